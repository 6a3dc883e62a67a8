import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Drained } from '../../src/archive/drain.js'
import { withStopping } from '../../src/archive/stopping.js'
import { runWorker } from '../../src/archive/worker.js'
import { AuditError } from '../../src/base/errors.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { ArchiveQueue } from '../../src/ports/archive.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { ArchiveFixture, NEVER, totals } from '../support/archive-fixture.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { asSuperuser } from '../support/postgres.js'

const ROWS = 30

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

/** Expects every row to be archived with the bytes that it encodes to, and no object to be created twice. */
async function expectComplete(created: readonly string[]): Promise<void> {
  expect(await fixture.problems(rows)).toEqual([])
  expect(await fixture.objects(domainId)).toHaveLength(ROWS)
  expect([...created].sort()).toEqual(rows.map(({ seq }) => mirrorCodec.key(domainId, seq)))
  expect(await fixture.quarantine()).toEqual([])
}

/** A call that fails the first `times` times, before or after it is applied. */
function faulty<A extends unknown[], R>(
  call: (...args: A) => Promise<R>,
  when: 'not applied' | 'applied',
  times: number,
  concerns: (...args: A) => boolean,
  error: () => AuditError,
): (...args: A) => Promise<R> {
  let left = times
  return async (...args) => {
    if (left === 0 || !concerns(...args)) return call(...args)
    left -= 1
    if (when === 'applied') await call(...args)
    throw error()
  }
}

const mirrorGone = () => new AuditError('mirror_unavailable', 'the answer was lost')
const postgresGone = () => new AuditError('database_unavailable', 'the answer was lost')

function withCreate(store: MirrorStore, create: MirrorStore['create']): MirrorStore {
  return {
    url: store.url,
    list: (prefix, signal) => store.list(prefix, signal),
    get: (key, maxBytes, signal) => store.get(key, maxBytes, signal),
    create,
    syncNames: (folder, signal) => store.syncNames(folder, signal),
    close: () => store.close(),
  }
}

describe.each(['not applied', 'applied'] as const)('a failed write that was %s', (when) => {
  it('retries a PUT in the next pass, uploads the other rows, and stamps in order', async () => {
    const created: string[] = []
    const broken = mirrorCodec.key(domainId, 7)
    const archiver = fixture.archiver({
      store: (store) => {
        const create: MirrorStore['create'] = async (...args) => {
          const result = await store.create(...args)
          if (result.created) created.push(args[0])
          return result
        }
        return withCreate(
          store,
          faulty(create, when, 2, (key) => key === broken, mirrorGone),
        )
      },
    })
    for (const _pass of [1, 2]) {
      const [first] = await archiver.once()
      expect(first?.drained).toMatchObject({ failed: 1, held: 0, ended: 'gave up' })
      expect(first?.drained.error?.code).toBe('mirror_unavailable')
      // The rows after the failed one have objects, and get their stamps after it.
      expect(await fixture.unstamped(domainId)).toEqual(rows.slice(6).map(({ seq }) => seq))
      expect((await fixture.objects(domainId)).length).toBeGreaterThanOrEqual(ROWS - 1)
    }
    expect(totals(await archiver.once())).toEqual({ stamped: ROWS - 6, held: 0, failed: 0 })
    await expectComplete(created)
  })

  it('stamps no row before the names of the objects are durable', async () => {
    const order: string[] = []
    const archiver = fixture.archiver({
      store: (store) => {
        const sync: MirrorStore['syncNames'] = async (...args) => {
          await store.syncNames(...args)
          order.push('synced')
        }
        return {
          ...withCreate(store, (...args) => store.create(...args)),
          syncNames: faulty(sync, when, 2, () => true, mirrorGone),
        }
      },
      queue: (queue) => ({
        ...queue,
        stamp: (...args) => {
          order.push('stamped')
          return queue.stamp(...args)
        },
      }),
    })
    for (const _pass of [1, 2]) {
      const [first] = await archiver.once()
      expect(first?.drained).toMatchObject({ stamped: 0, failed: ROWS, ended: 'gave up' })
      expect(first?.drained.error?.code).toBe('mirror_unavailable')
      expect(await fixture.unstamped(domainId)).toHaveLength(ROWS)
      expect(await fixture.objects(domainId)).toHaveLength(ROWS)
    }
    order.length = 0
    expect(totals(await archiver.once())).toEqual({ stamped: ROWS, held: 0, failed: 0 })
    expect(order).toEqual(['synced', 'stamped'])
    await expectComplete(archiver.created)
  })

  it('stamps the objects in the next pass', async () => {
    const archiver = fixture.archiver({
      queue: (queue) => ({ ...queue, stamp: faulty(queue.stamp, when, 2, () => true, postgresGone) }),
    })
    const passes = []
    for (let left = ROWS; left > 0 && passes.length < 4; left = (await fixture.unstamped(domainId)).length) {
      passes.push((await archiver.once())[0]?.drained.error?.code)
    }
    const failures = when === 'applied' ? 1 : 2
    expect(passes).toEqual([
      ...Array(failures).fill('database_unavailable'),
      ...(failures === 2 ? [undefined] : []),
    ])
    await expectComplete(archiver.created)
  })
})

describe('an unreachable mirror', () => {
  it('ends its passes early, and does not stop the chains of another mirror', async () => {
    const own = `${fixture.mirrorUrl}-own`
    await fixture.mark(own)
    const others = await fixture.chain(50)
    const long = await fixture.chain(400)
    const archiver = fixture.archiver({
      map: { lines: new Map([[others[0]?.domainId ?? '', own]]) },
      store: (store) => (store.url === own ? store : withCreate(store, () => Promise.reject(mirrorGone()))),
    })
    const chains = await archiver.once()
    const ended = new Map(chains.map((chain) => [chain.domainId, chain.drained]))
    expect(ended.get(others[0]?.domainId ?? '')).toMatchObject({ stamped: 50, failed: 0, ended: 'all' })
    expect(ended.get(long[0]?.domainId ?? '')).toMatchObject({ stamped: 0, ended: 'gave up' })
    // 16 failures in a row, and the uploads that were in flight by then.
    expect(archiver.asked.length).toBeLessThan(2 * 2 * (16 + 8) + 50 + 1)
    expect(await fixture.unstamped(long[0]?.domainId ?? '')).toHaveLength(400)
  })

  it('fails only the chain that names a mirror of its own and has no line', async () => {
    const other = await fixture.chain(5, 'file:///nowhere')
    const chains = await fixture.archiver().once()
    const drained = chains.find((chain) => chain.domainId === other[0]?.domainId)?.drained
    expect(drained).toMatchObject({ stamped: 0, error: { code: 'mirror_not_mapped' } })
    expect(await fixture.problems(rows)).toEqual([])
  })
})

describe('a mirror that is unmounted during a pass', () => {
  it.each(['before the first stamp', 'after some stamps'])(
    '%s: gets no more stamps, and no new marker',
    async (when) => {
      if (when === 'after some stamps') {
        await fixture.archiver().once()
        const more = chainRows(domainId, Array(ROWS).fill({}), ROWS + 1, rows.at(-1)?.entryHash)
        await insertRows(fixture.url, more)
      }
      const place = join(fixture.dir, 'mirror')
      let calls = 0
      const archiver = fixture.archiver({
        concurrency: 1,
        store: (store) =>
          withCreate(store, async (...args) => {
            calls += 1
            if (calls === 10) {
              await rename(place, `${place}-gone`)
              await mkdir(place)
            }
            return store.create(...args)
          }),
      })
      const before = await fixture.unstamped(domainId)
      for (const _pass of [1, 2]) {
        const [chain] = await archiver.once()
        expect(chain?.drained).toMatchObject({ stamped: 0, error: { code: 'mirror_unmarked' } })
      }
      expect(await fixture.unstamped(domainId)).toEqual(before)
      expect(await readdir(join(place, 'audit')).catch(() => [])).not.toContain('mirror.json')
      await rm(place, { recursive: true })
      await rename(`${place}-gone`, place)
      expect((await fixture.archiver().once())[0]?.drained).toMatchObject({ failed: 0, ended: 'all' })
      expect(await fixture.unstamped(domainId)).toEqual([])
    },
  )
})

describe('the signal', () => {
  it('lets uploads in flight end, stamps their rows, and begins no more', async () => {
    const stop = new AbortController()
    const archiver = fixture.archiver({
      concurrency: 4,
      store: (store) =>
        withCreate(store, async (key, bytes, signal) => {
          if (key.endsWith('10.json.zst')) stop.abort()
          const result = await store.create(key, bytes, signal)
          return result
        }),
    })
    const [chain] = await archiver.once(stop.signal)
    expect(chain?.drained.ended).toBe('some')
    expect(archiver.asked.length).toBeLessThan(10 + 4)
    expect(await fixture.objects(domainId)).toHaveLength(archiver.asked.length)
    expect(ROWS - (await fixture.unstamped(domainId)).length).toBe(archiver.asked.length)
    await archiver.once()
    await expectComplete(archiver.created)
  })

  it('aborts uploads that do not end, and leaves the stamps to the next pass', async () => {
    const stop = new AbortController()
    const archiver = fixture.archiver({
      concurrency: 4,
      store: (store) =>
        withCreate(store, async (key, bytes, signal) => {
          if (!key.endsWith('03.json.zst')) return store.create(key, bytes, signal)
          stop.abort()
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
          })
        }),
    })
    const [chain] = await archiver.once(stop.signal)
    // Rows 1 and 2 have objects, whose names are not synced any more: they count as not uploaded.
    expect(chain?.drained).toMatchObject({ failed: 3 })
    expect(await fixture.unstamped(domainId)).toContain(3)
    // The mirror hangs, so it is not asked any more whether it is still ours, and no row is stamped.
    expect(chain?.drained.stamped).toBe(0)
  })

  it('aborts giveUp a while after stop, and never without it', async () => {
    const stop = new AbortController()
    const reason = await withStopping(
      stop.signal,
      ({ giveUp }) => {
        expect(giveUp.aborted).toBe(false)
        stop.abort('stopped')
        return new Promise((resolve) => giveUp.addEventListener('abort', () => resolve(giveUp.reason)))
      },
      1,
    )
    expect(reason).toBe('stopped')
    await withStopping(NEVER, async ({ giveUp }) => expect(giveUp.aborted).toBe(false), 0)
  })
})

describe('the worker', () => {
  interface Watched {
    readonly passes: (Drained & { domainId: string })[]
    readonly failures: string[]
    readonly recovered: (string | undefined)[]
  }

  /** Runs until no row of the chain waits and `also` holds, then stops the worker and waits for its end. */
  async function workUntil(
    options: Parameters<ArchiveFixture['archiver']>[0],
    isDone: (watched: Watched) => Promise<boolean>,
  ) {
    const archiver = fixture.archiver(options)
    const stop = new AbortController()
    const watched: Watched = { passes: [], failures: [], recovered: [] }
    const running = runWorker(
      {
        ...archiver.deps,
        pollInterval: 20,
        onPass: async (id, drained) => void watched.passes.push({ ...drained, domainId: id }),
        onTrouble: (error, _wait, id) => void watched.failures.push(`${id ?? 'postgres'} ${error.code}`),
        onRecovered: (id) => void watched.recovered.push(id),
      },
      stop.signal,
    )
    while (!(await isDone(watched))) await new Promise((resolve) => setTimeout(resolve, 20))
    stop.abort()
    await running
    return { archiver, ...watched }
  }

  const isArchived = async (...chains: string[]) => {
    for (const chain of chains) if ((await fixture.unstamped(chain)).length > 0) return false
    return true
  }

  it('archives new rows of every chain until it is stopped', async () => {
    const more: ChainedEntry[][] = []
    const { archiver, failures } = await workUntil({}, async () => {
      if (!(await isArchived(domainId))) return false
      if (more.length < 5) {
        more.push(await fixture.chain(20))
        return false
      }
      return isArchived(...more.map((chain) => chain[0]?.domainId ?? ''))
    })
    expect(failures).toEqual([])
    for (const chain of more) expect(await fixture.problems(chain)).toEqual([])
    expect(new Set(archiver.created).size).toBe(ROWS + 100)
  })

  it('retries failures, and reports the recovery', async () => {
    const broken = mirrorCodec.key(domainId, 7)
    const { archiver, failures, recovered } = await workUntil(
      {
        store: (store) =>
          withCreate(
            store,
            faulty(
              (...args) => store.create(...args),
              'not applied',
              2,
              (key) => key === broken,
              mirrorGone,
            ),
          ),
      },
      async (watched) => (await isArchived(domainId)) && watched.recovered.includes(domainId),
    )
    expect(failures).toEqual(Array(2).fill(`${domainId} mirror_unavailable`))
    expect(recovered).toContain(domainId)
    await expectComplete(archiver.created)
  })

  it('continues when Postgres is back', async () => {
    const lost = (queue: ArchiveQueue): ArchiveQueue => ({
      ...queue,
      waiting: faulty(queue.waiting, 'not applied', 2, () => true, postgresGone),
    })
    const { archiver, failures, recovered } = await workUntil({ queue: lost }, () => isArchived(domainId))
    expect(failures).toEqual(Array(2).fill('postgres database_unavailable'))
    expect(recovered).toContain(undefined)
    await expectComplete(archiver.created)
  })

  it('continues where its claim is taken away', async () => {
    let cuts = 0
    const { archiver } = await workUntil(
      {
        concurrency: 1,
        store: (store) =>
          withCreate(store, async (...args) => {
            if (cuts++ === 3) await asSuperuser(fixture.url, 'DELETE FROM audit_claim')
            return store.create(...args)
          }),
      },
      () => isArchived(domainId),
    )
    await expectComplete(archiver.created)
  })

  it('reports a finding once, and archives rows after a row that is held back', async () => {
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 5`,
    )
    const late: ChainedEntry[][] = []
    const { archiver, passes } = await workUntil({}, async (watched) => {
      if (watched.passes.filter((pass) => pass.domainId === domainId).length < 5) return false
      if (late.length === 0) late.push(await fixture.chain(5))
      return isArchived(late[0]?.[0]?.domainId ?? '')
    })
    expect(archiver.found.map(({ finding }) => finding.code)).toEqual(['entry_hash_mismatch'])
    expect(passes.filter(({ held }) => held > 0)).toHaveLength(1)
    const held = [1, 2, 3, 4, 5]
    expect(await fixture.unstamped(domainId)).toEqual(held)
    expect(await fixture.problems(rows, held)).toEqual([])
  })
})
