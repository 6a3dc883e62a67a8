import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { DirectoryMirror } from '../../src/mirror/directory/directory.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { IndexedMirror } from '../../src/ports/mirror.js'
import { storedChains } from '../../src/verify/mirror/mirrored-chains.js'
import { mirrorChains } from '../../src/verify/mirror-chains.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { A, B, PLATFORM } from '../support/attacks/chains.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const OTHER = '0190a8b8-a0c0-7a0a-8a0b-0000000000aa'
const never = new AbortController().signal
const noMap = { isMapped: () => false, inMap: [] }
const failure = new AuditError('mirror_unavailable', 'the store failed')
let honest: MirrorCopy
let mirror: MirrorCopy

beforeAll(async () => {
  honest = await MirrorCopy.ofChains()
})
afterAll(() => honest.drop())

/** Runs a test on a copy, which may have paths that only `rm` can remove. */
async function onCopy(test: (store: DirectoryMirror, folder: string) => Promise<void>): Promise<void> {
  mirror = await honest.copied()
  try {
    await test(new DirectoryMirror(mirror.dir), join(mirror.dir, 'audit', OTHER))
  } finally {
    execFileSync('rm', ['-rf', mirror.dir])
  }
}

/** Returns a store whose calls fail for keys and prefixes that begin with `broken`. */
function failing(store: IndexedMirror, broken: string): IndexedMirror {
  const isBroken = (key: string) => key.startsWith(broken)
  return {
    url: store.url,
    folders: (prefix, signal) => store.folders(prefix, signal),
    storedAt: (key, signal) => store.storedAt(key, signal),
    urlOf: (folder) => store.urlOf(folder),
    create: (key, bytes, signal, options) => store.create(key, bytes, signal, options),
    syncNames: (folder, signal) => store.syncNames(folder, signal),
    close: () => store.close(),
    get: (key, maxBytes, signal) =>
      isBroken(key) ? Promise.reject(failure) : store.get(key, maxBytes, signal),
    async *list(prefix, signal) {
      for await (const listed of store.list(prefix, signal)) {
        if (isBroken(listed.key)) throw failure
        yield listed
      }
    },
  }
}

const ALL = [A, B, PLATFORM].sort()

describe('the chains of a mirror', () => {
  it.each<[string, (folder: string) => void]>([
    ['a folder deeper than a path can be', tooDeep],
    ['a folder that holds only names that are no keys of rows', onlyStrays],
    ['a link in a circle', (folder) => symlinkSync(folder, folder)],
    ['a file', (folder) => writeFileSync(folder, '')],
  ])('are the chains that have rows, beside %s', async (_title, make) => {
    await onCopy(async (store, folder) => {
      make(folder)
      const known = await mirrorChains(store, mirrorCodec, never, noMap)
      expect([known.domainIds, known.doubts]).toEqual([ALL, []])
    })
  })

  it('include a chain whose folder cannot be listed, so that its own verification fails', async () => {
    await onCopy(async (store) => {
      const broken = failing(store, `audit/${A}/`)
      expect(await storedChains(broken, mirrorCodec, never)).toEqual(new Set(ALL))
    })
  })

  it('come with a doubt where the platform chain cannot be read to its end', async () => {
    await onCopy(async (store) => {
      const broken = failing(store, mirrorCodec.key(PLATFORM, 2))
      const known = await mirrorChains(broken, mirrorCodec, never, noMap)
      expect(known.domainIds).toEqual(ALL)
      expect(known.doubts).toMatchObject([{ code: 'mirror_unavailable' }])
    })
  })

  it('come with a doubt where the platform chain is absent', async () => {
    await onCopy(async (store) => {
      execFileSync('rm', ['-rf', join(mirror.dir, 'audit', PLATFORM)])
      const known = await mirrorChains(store, mirrorCodec, never, noMap)
      expect(known.domainIds).toEqual([A, B].sort())
      expect(known.doubts).toMatchObject([{ code: 'platform_chain_absent' }])
    })
  })
})

describe('a scan of a mirror that breaks off', () => {
  const scan = (store: IndexedMirror, pinned = 8) =>
    new MirrorSource(store, mirrorCodec, nodeHasher, { patience: 0 }).scan(
      { domainId: A, fromSeq: 1, pins: [{ seq: pinned, hash: 'f'.repeat(64) }] },
      () => {},
      never,
    )

  it('has the findings before the break, judges nothing after it, and says why', async () => {
    await onCopy(async (store) => {
      await mirror.put(at(4), Buffer.from('junk'))
      const { fold, isCut, doubts } = await scan(failing(store, at(6)))
      expect(fold.findings).toMatchObject([{ code: 'object_malformed', seqFrom: 4, seqTo: 4 }])
      expect([isCut, doubts]).toEqual([true, [failure]])
    })
  })

  it('has the pins that rows before the break contradict', async () => {
    await onCopy(async (store) => {
      const { fold, doubts } = await scan(failing(store, at(6)), 3)
      expect(fold.findings).toMatchObject([{ code: 'unexpected_head', seqFrom: 3, seqTo: 3 }])
      expect(doubts).toEqual([failure])
    })
  })

  it('rejects where nothing was found before the break', async () => {
    await onCopy(async (store) => {
      await mirror.put(at(7), Buffer.from('junk'))
      await expect(scan(failing(store, at(6)))).rejects.toBe(failure)
    })
  })
})

function tooDeep(folder: string): void {
  const steps = 'i=0; while [ $i -lt 60 ]; do mkdir "$1" && cd -P "$1" || exit 1; i=$((i+1)); done'
  mkdirSync(folder)
  execFileSync('bash', ['-c', steps, 'bash', 'd'.repeat(100)], { cwd: folder })
}

function onlyStrays(folder: string): void {
  mkdirSync(join(folder, 'sub'), { recursive: true })
  for (const name of ['.DS_Store', '00000000000000000001.json.zst.part'])
    writeFileSync(join(folder, name), '')
}
