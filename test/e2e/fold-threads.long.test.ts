import type { Worker } from 'node:worker_threads'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntrySource, Scan } from '../../src/ports/verify.js'
import { Database } from '../../src/repo/session/database.js'
import type { PostgresSourceOptions } from '../../src/repo/verify/postgres-source.js'
import { FaultProxy } from '../support/append-proxy.js'
import { A, type Attack } from '../support/attacks/attack.js'
import { type AttackFixture, attackFixture } from '../support/attacks/fixture.js'
import { FORCED } from '../support/attacks/forced.js'
import { REMOVED } from '../support/attacks/removed.js'
import { unreadableRow } from '../support/attacks/unreadable.js'
import { rowsOf } from '../support/postgres.js'

// The built code: a thread cannot be started from TypeScript.
const { PostgresSource } = (await import('../../dist/src/repo/verify/postgres-source.js' as string)) as {
  PostgresSource: new (database: Database, options?: PostgresSourceOptions) => EntrySource
}

/** Chain A has 8 rows: rows 1 to 4 on one thread, 5 to 8 on the other. */
const THREADS = { threads: 2, threadRows: 4, here: true }
const ELSEWHERE = { ...THREADS, here: false }

let fixture: AttackFixture
let started = 0
let answered = 0
const onWorker = (worker: Worker) => {
  started += 1
  worker.on('message', ({ result }) => {
    if (result !== undefined) answered += 1
  })
}

beforeAll(async () => {
  fixture = await attackFixture()
  process.on('worker', onWorker)
})

afterAll(async () => {
  process.off('worker', onWorker)
  await fixture.drop()
})

interface Scanned {
  readonly scan: Scan
  readonly threads: number
  readonly answers: number
}

/** The scan of chain A, the number of threads it started, and the number of threads that returned a result. */
async function scan(url: string, options: PostgresSourceOptions = {}): Promise<Scanned> {
  const database = new Database(url)
  const before = { started, answered }
  try {
    const source = new PostgresSource(database, options)
    const request = { domainId: A, fromSeq: 1, pins: [] }
    const scanned = await source.scan(request, () => undefined, AbortSignal.timeout(60_000))
    return {
      // The clock goes on from one scan to the next.
      scan: { ...scanned, clock: undefined },
      threads: started - before.started,
      answers: answered - before.answered,
    }
  } finally {
    await database.close()
  }
}

/** A few of all of them, and of those at the boundary of the parts: fold-parts.unit.test.ts tries what parts can miss. */
const isTried = ({ sql }: Attack, index: number) => index % (/seq = [45]\b/.test(sql) ? 3 : 9) === 0
const ATTACKS = [...REMOVED, ...FORCED].filter(isTried)

describe('a chain judged on threads', () => {
  it('is intact when the rows are', async () => {
    const field = await fixture.attacked('')
    const [plain, threaded] = [await scan(field.url), await scan(field.url, THREADS)]
    const elsewhere = await scan(field.url, ELSEWHERE)
    const alone = await scan(field.url, { ...ELSEWHERE, threads: 1 })
    await field.drop()
    expect(threaded).toEqual({ scan: plain.scan, threads: 1, answers: 1 })
    expect(elsewhere).toEqual({ scan: plain.scan, threads: 2, answers: 2 })
    expect(alone).toEqual({ scan: plain.scan, threads: 1, answers: 1 })
    expect(plain).toMatchObject({ scan: { fold: { rows: 8, findings: [] } }, threads: 0 })
  })

  it.each(ATTACKS.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    const field = await fixture.attacked(attack.sql)
    const [plain, threaded] = [await scan(field.url), await scan(field.url, THREADS)]
    const elsewhere = await scan(field.url, ELSEWHERE)
    await field.drop()
    expect([threaded.scan, elsewhere.scan]).toEqual([plain.scan, plain.scan])
  })

  it.each([
    ['one of them here', THREADS],
    ['none of them here', ELSEWHERE],
  ])('does not deadlock with a waiting lock, %s', async (_where, options) => {
    const field = await fixture.attacked('')
    const altering = new pg.Client(field.url)
    await altering.connect()
    await altering.query('BEGIN')
    // The lock request waits for the first connection, and later requests wait for the lock request.
    const altered = new Promise((resolve) => {
      process.once('worker', () => resolve(altering.query('LOCK TABLE audit_log_entry')))
    })
    const { scan: plain } = await scan(field.url, options)
    await altered
    await altering.end()
    await field.drop()
    expect(plain).toMatchObject({ fold: { rows: 8, findings: [] } })
  })

  it('keeps its snapshot when the server ends idle transactions', async () => {
    const field = await fixture.attacked('')
    const user = `hasty_${process.pid}`
    await rowsOf(field.url, `CREATE ROLE ${user} LOGIN IN ROLE audit_reader`)
    await rowsOf(field.url, `ALTER ROLE ${user} SET idle_in_transaction_session_timeout = 10`)
    const { scan: plain } = await scan(field.url.replace('postgres@', `${user}@`), ELSEWHERE)
    await field.drop()
    expect(plain).toMatchObject({ fold: { rows: 8, findings: [] } })
  })

  it.each([
    ['no threads', {}],
    ['one of them here', THREADS],
    ['none of them here', ELSEWHERE],
  ])('reports what is wrong before a row that Postgres cannot read, %s', async (_where, options) => {
    const edited = `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${A}' AND seq = 2;`
    const field = await fixture.attacked(`${edited}${unreadableRow(3)}`)
    const { scan: cut } = await scan(field.url, options)
    await field.drop()
    expect(cut).toMatchObject({
      isCut: true,
      doubts: [{ code: 'database_failed', message: expect.stringMatching(/\(XX001\), after row \d$/) }],
      fold: { findings: [{ code: 'entry_hash_mismatch', seqFrom: 2, seqTo: 2 }] },
    })
  })

  it.each([
    ['one of them here', THREADS],
    ['none of them here', ELSEWHERE],
  ])('reports the first refusal of Postgres, %s', async (_where, options) => {
    const field = await fixture.attacked('')
    const user = `blind_${process.pid}_${options.here}`
    await rowsOf(field.url, `CREATE ROLE ${user} LOGIN IN ROLE audit_reader`)
    await rowsOf(field.url, 'REVOKE SELECT ON audit_log_entry FROM audit_reader')
    await rowsOf(
      field.url,
      `GRANT SELECT (domain_id, seq, relation, object, entry_hash) ON audit_log_entry TO ${user}`,
    )
    const refused = scan(field.url.replace('postgres@', `${user}@`), options)
    await expect(refused).rejects.toMatchObject({ code: 'database_permission_denied' })
    await field.drop()
  })

  it('is judged on the first connection when the server has no other', async () => {
    const field = await fixture.attacked('')
    const user = `narrow_${process.pid}`
    await rowsOf(field.url, `CREATE ROLE ${user} LOGIN CONNECTION LIMIT 1 IN ROLE audit_reader`)
    const url = field.url.replace('postgres@', `${user}@`)
    const [narrow, elsewhere] = [await scan(url, THREADS), await scan(url, ELSEWHERE)]
    await field.drop()
    expect(narrow).toMatchObject({ scan: { fold: { rows: 8, findings: [] } }, threads: 1 })
    expect(elsewhere).toMatchObject({ scan: { fold: { rows: 8, findings: [] } }, threads: 3 })
  })

  it('is judged on the first connection when a pooler lets the others wait', async () => {
    const field = await fixture.attacked('')
    const pooler = await FaultProxy.start(field.url)
    const waiting = pooler.breakAt('SET TRANSACTION SNAPSHOT', 'held')
    const held = await scan(pooler.url, THREADS)
    await waiting
    await pooler.close()
    await field.drop()
    expect(held).toMatchObject({ scan: { fold: { rows: 8, findings: [] } }, threads: 1, answers: 0 })
  })
})
