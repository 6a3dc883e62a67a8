import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../src/archive/once.js'
import { runWorker } from '../../src/archive/worker.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { ArchiveFixture, NEVER, totals } from '../support/archive-fixture.js'

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

it('sends one query at a time on the connection of many claims', async () => {
  const warnings: string[] = []
  const onWarning = ({ message }: Error) => void warnings.push(message)
  process.on('warning', onWarning)
  const { queue } = fixture.archiver().deps
  const ids = Array.from({ length: 12 }, (_, i) => domainId.replace(/.{2}$/, String(10 + i)))
  const held = await Promise.all(ids.map((id) => queue.claim(id, () => sleep(20))))
  await sleep(0)
  process.off('warning', onWarning)
  expect({ held: held.every(Boolean), warnings }).toEqual({ held: true, warnings: [] })
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
        close: () => store.close(),
        create: async (key, bytes, signal) => {
          await sleep(2)
          if (key.includes(domainId)) throw new TypeError('a bug')
          return store.create(key, bytes, signal)
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
    expect(stamped).toBe((await fixture.objects(long)).length)
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
