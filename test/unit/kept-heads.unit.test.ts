import { expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { KeyBook } from '../../src/chain/log/key-book.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { readKept } from '../../src/verify/signed/kept-heads.js'
import { PLATFORM } from '../support/log-signer.js'
import { SignedLog } from '../support/signed-log.js'

const NEVER = new AbortController().signal
const tools = { hasher: nodeHasher, treeHasher: nodeTreeHasher, verify: verifyEd25519 }
const hashes = Array.from({ length: 9 }, (_, at) => `${at}`.repeat(64))

/** The size of a known head, the keys of the listings, and the size of the head that is found. */
const ROWS: readonly (readonly [string, number, readonly string[], number | undefined])[] = [
  ['no head', 0, ['3', '5', '5'], 5],
  ['the newest head', 5, ['5', '5'], 5],
  ['an older head', 4, ['5', '5'], 5],
  ['a head whose checkpoint was removed', 6, ['3', '5', '5'], 5],
]

it.each(ROWS)('reads the newest kept checkpoint where %s is known', async (_name, known, listed, found) => {
  const log = await SignedLog.open({ url: 'postgres://localhost/none' })
  const { domainId } = PLATFORM
  const kept = [3, 5].map((size) => log.headOf(domainId, hashes.slice(0, size)))
  const objects = new Map(kept.map(({ key, kept: text }) => [key, text]))
  // A checkpoint that nobody signed is larger than its neighbour with the same size.
  objects.set(kept[1]?.key.replace(/-[0-9a-f]{16}/, `-${'f'.repeat(16)}`) ?? '', 'junk')
  const seen: string[] = []
  const store = {
    async *list(_prefix: string, _signal: AbortSignal, after = '') {
      for (const key of [...objects.keys()].filter((one) => one > after).sort()) {
        seen.push(String(Number(/([0-9]{20})-/.exec(key)?.[1])))
        yield { key, size: 1 }
      }
    },
    get: async (key: string) => ({ bytes: new TextEncoder().encode(objects.get(key)) }),
  } as unknown as MirrorStore
  const book = KeyBook.of({ by: 'policy', keys: [log.signer.platform.key] }, [], verifyEd25519)
  const { head, foreignObjects } = await readKept(store, domainId, known, book, tools, NEVER)
  expect([seen, head?.size, foreignObjects]).toEqual([listed, found, 1])
  await log.close()
})
