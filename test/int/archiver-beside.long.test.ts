import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../src/archive/once.js'
import { runWorker } from '../../src/archive/worker.js'
import type { AuditError } from '../../src/base/errors.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { ArchiveFixture, NEVER, totals } from '../support/archive-fixture.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { rowsOf } from '../support/postgres.js'

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(600)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

/** Another archiver that claims the chain and does nothing until it is released. */
async function stuckArchiver() {
  let letGo: () => void = () => undefined
  let claimed: () => void = () => undefined
  const isClaimed = new Promise<void>((resolve) => {
    claimed = resolve
  })
  const ended = fixture.archiver().deps.queue.claim(domainId, () => {
    claimed()
    return new Promise((resolve) => {
      letGo = resolve
    })
  })
  await isClaimed
  return async () => {
    letGo()
    await ended
  }
}

describe('archiveOnce beside a stuck archiver', () => {
  it('waits for a while, and then archives the chain', async () => {
    const letGo = await stuckArchiver()
    expect(totals(await archiveOnce(fixture.archiver().deps, NEVER, 300))).toMatchObject({ stamped: 600 })
    expect(await fixture.problems(rows)).toEqual([])
    await letGo()
  })

  it('ends its wait at the signal', async () => {
    const letGo = await stuckArchiver()
    const stop = new AbortController()
    const pass = archiveOnce(fixture.archiver().deps, stop.signal, 600_000)
    await sleep(300)
    stop.abort(new Error('stopped'))
    expect(totals(await pass)).toMatchObject({ stamped: 0, failed: 0 })
    await letGo()
  })
})

describe('runWorker beside a stuck archiver', () => {
  /** Runs the worker until `isOver`, and returns what it reported. */
  async function work(stuck: number, isOver: () => Promise<boolean>) {
    const stop = new AbortController()
    const lines: string[] = []
    const onTrouble = (error: AuditError, _wait: number, chain = '') =>
      void lines.push(`${error.code} ${chain}: ${error.message}`)
    const deps = {
      ...fixture.archiver().deps,
      pollInterval: 20,
      onPass: async () => undefined,
      onTrouble,
      onRecovered: () => undefined,
    }
    const worker = runWorker(deps, stop.signal, stuck)
    while (!(await isOver())) await sleep(20)
    stop.abort(new Error('stopped'))
    await worker
    return lines
  }
  const isArchived = async () => (await fixture.unstamped(domainId)).length === 0

  it('archives the chain after a while, and says once which claim it overrides', async () => {
    const letGo = await stuckArchiver()
    const lines = await work(300, isArchived)
    expect(lines).toEqual([
      expect.stringMatching(`^archive_behind ${domainId}: chain ${domainId}: .*audit_claim.* 0.3 s`),
    ])
    expect(await fixture.problems(rows)).toEqual([])
    await letGo()
  })

  it('archives rows that wait later without another wait or line', async () => {
    const letGo = await stuckArchiver()
    let appended: number | undefined
    const lines = await work(1_500, async () => {
      if (!(await isArchived())) return false
      if (appended !== undefined) {
        expect(performance.now() - appended).toBeLessThan(1_400)
        return true
      }
      await insertRows(fixture.url, chainRows(domainId, [{}], 601, rows.at(-1)?.entryHash))
      appended = performance.now()
      return false
    })
    expect(lines).toHaveLength(1)
    await letGo()
  })

  it('leaves the chain alone before that, and reports nothing', async () => {
    const letGo = await stuckArchiver()
    const begun = performance.now()
    expect(await work(600_000, async () => performance.now() - begun > 400)).toEqual([])
    expect(await fixture.unstamped(domainId)).toHaveLength(600)
    await letGo()
  })
})

it('claims many chains at once, and releases them', async () => {
  const { queue } = fixture.archiver().deps
  const ids = Array.from({ length: 12 }, (_, i) => domainId.replace(/.{2}$/, String(10 + i)))
  const held = await Promise.all(ids.map((id) => queue.claim(id, () => sleep(20))))
  expect(held.every(Boolean)).toBe(true)
  expect(await rowsOf(fixture.url, 'SELECT FROM audit_claim')).toEqual([])
})

describe('a bug in one chain', () => {
  /** The mirror of one chain throws an error that no mirror may throw; the mirror of the others is slow. */
  async function fixtureWithBug() {
    const long = await fixture.chain(3_000)
    const archiver = fixture.archiver({
      concurrency: 4,
      store: (store): MirrorStore => ({
        url: store.url,
        list: (prefix, signal) => store.list(prefix, signal),
        get: (key, maxBytes, signal) => store.get(key, maxBytes, signal),
        syncNames: (folder, signal) => store.syncNames(folder, signal),
        close: () => store.close(),
        create: async (key, bytes, signal, options) => {
          await sleep(2)
          if (key.includes(domainId)) throw new TypeError('a bug')
          return store.create(key, bytes, signal, options)
        },
      }),
    })
    return { archiver, long: long[0]?.domainId ?? '' }
  }

  it.each<[string, (deps: ReturnType<ArchiveFixture['archiver']>['deps']) => Promise<unknown>]>([
    ['one pass', (deps) => archiveOnce(deps, NEVER)],
    [
      'the worker',
      (deps) =>
        runWorker(
          {
            ...deps,
            pollInterval: 20,
            onPass: async () => undefined,
            onTrouble: () => undefined,
            onRecovered: () => undefined,
          },
          NEVER,
        ),
    ],
  ])('ends %s soon, with the uploads of the others stamped', async (_name, run) => {
    const { archiver, long } = await fixtureWithBug()
    await expect(run(archiver.deps)).rejects.toThrow('a bug')
    const stamped = 3_000 - (await fixture.unstamped(long)).length
    // A group that was begun beside an unfinished one is uploaded, and not stamped before it.
    expect(stamped).toBeLessThanOrEqual((await fixture.objects(long)).length)
    expect(await fixture.unstamped(long)).toEqual(
      Array.from({ length: 3_000 - stamped }, (_, i) => stamped + i + 1),
    )
    expect(stamped).toBeLessThan(2_000)
  })

  it('ends the worker after its passes when the bug is in the poll', async () => {
    const archiver = fixture.archiver()
    let polls = 0
    const waiting = async () => {
      polls += 1
      if (polls > 1) throw new TypeError('a bug')
      return archiver.deps.queue.waiting()
    }
    const worker = runWorker(
      {
        ...archiver.deps,
        queue: { ...archiver.deps.queue, waiting },
        pollInterval: 10,
        onPass: async () => undefined,
        onTrouble: () => undefined,
        onRecovered: () => undefined,
      },
      NEVER,
    )
    await expect(worker).rejects.toThrow('a bug')
    const objects = await fixture.objects(domainId)
    expect(600 - (await fixture.unstamped(domainId)).length).toBe(objects.length)
  })
})
