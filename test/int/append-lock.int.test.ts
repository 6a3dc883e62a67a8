import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hintOf } from '../../src/cli/shell/hints.js'
import { allFindings, outcomes, testPepper, Writer } from '../support/append-chains.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

/** Milliseconds. */
const TIMEOUT = 800

/** A role without privileges, and one that may append. */
const ROLE = `nobody_${process.pid}`
const APPENDER = `appender_${process.pid}`

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url, testPepper(), { lockTimeout: TIMEOUT })
  for (const role of [ROLE, APPENDER]) await rowsOf(database.url, `CREATE ROLE ${role} LOGIN`)
  await rowsOf(database.url, `GRANT audit_writer TO ${APPENDER}`)
})

afterEach(async () => {
  expect(await allFindings(writer)).toEqual([])
})

afterAll(async () => {
  await writer.close()
  await rowsOf(database.url, `DROP ROLE ${ROLE}, ${APPENDER}`)
  await database.drop()
})

/** Returns the URL with which a role connects. Every role is trusted. */
function urlOf(role: string): string {
  return database.url.replace('postgres@', `${role}@`)
}

/** Runs `use` beside an open transaction of another session that has run `sql`. */
async function beside<T>(
  sql: string,
  values: unknown[],
  use: (pid: number) => Promise<T>,
  role = 'postgres',
) {
  const client = new pg.Client({ connectionString: urlOf(role), application_name: 'psql' })
  await client.connect()
  try {
    await client.query('BEGIN')
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await client.query(sql, values)
    return await use(rows[0]?.pid ?? 0)
  } finally {
    await client.end()
  }
}

const HEAD = 'SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR UPDATE'

describe('an append beside a lock of another session', () => {
  it.each([
    ['the row of the chain head', HEAD, 'a lock on audit_log_chain_head'],
    ['the table of the rows', 'LOCK TABLE audit_log_entry IN SHARE MODE', 'a lock on audit_log_entry'],
    [
      'the table of the heads',
      'LOCK TABLE audit_log_chain_head IN ACCESS EXCLUSIVE MODE',
      'audit_log_chain_head',
    ],
    [
      'the personal data of the subject',
      `UPDATE audit_subject_pii SET last_seen_at = now() WHERE domain_id = $1`,
      'a lock on audit_subject_pii',
    ],
  ])('ends with lock_timeout and names the session that holds %s', async (_what, sql, waited) => {
    const domainId = await writer.create()
    await writer.record(domainId, { subject: { plaintext: 'A' } })
    const values = sql.includes('$1') ? [domainId] : []
    await beside(sql, values, async (pid) => {
      const began = performance.now()
      const error = await writer.record(domainId, { subject: { plaintext: 'B' } }).catch((e) => e)
      expect(error).toMatchObject({ code: 'lock_timeout', advice: { code: 'end_lock_holder', pids: [pid] } })
      expect(error.message).toContain('waited 0.8 s for ')
      expect(error.message).toContain(waited)
      expect(error.message).toMatch(
        new RegExp(
          `held by pid ${pid}, role postgres, application "psql", idle in transaction, since 2\\d{3}-\\d\\d-`,
        ),
      )
      expect(hintOf(error)).toContain(`pg_terminate_backend(${pid})`)
      expect(performance.now() - began).toBeLessThan(10 * TIMEOUT)
    })
    expect(outcomes([await writer.record(domainId)])).toEqual([3])
  })

  it('ends each of many writers that wait for one session, and names that session', async () => {
    const domainId = await writer.create()
    const others = Array.from(
      { length: 3 },
      () => new Writer(database.url, testPepper(), { lockTimeout: TIMEOUT }),
    )
    await beside(HEAD, [domainId], async (pid) => {
      const errors = await Promise.all(others.map((other) => other.record(domainId).catch((e) => e)))
      for (const error of errors) {
        expect(error).toMatchObject({
          code: 'lock_timeout',
          advice: { code: 'end_lock_holder', pids: [pid] },
        })
      }
    })
    for (const other of others) await other.close()
  })

  it('does not wait for an advisory lock of a role without privileges', async () => {
    const domainId = await writer.create()
    const lock = `SELECT pg_advisory_lock(hashtextextended('audit/chain/' || $1, 0))`
    await beside(
      lock,
      [domainId],
      async () => expect(outcomes([await writer.record(domainId)])).toEqual([2]),
      ROLE,
    )
  })

  it('lets a role without privileges lock no head', async () => {
    const domainId = await writer.create()
    await expect(beside(HEAD, [domainId], async () => undefined, ROLE)).rejects.toMatchObject({
      code: '42501',
    })
  })
})

describe('an append of a role that may not read the statistics of others', () => {
  it('names the pid and the role that hold the lock, and says what it cannot see', async () => {
    const domainId = await writer.create()
    const appender = new Writer(urlOf(APPENDER), testPepper(), { lockTimeout: TIMEOUT })
    await beside(HEAD, [domainId], async (pid) => {
      const error = await appender.record(domainId).catch((e) => e)
      expect(error).toMatchObject({ code: 'lock_timeout', advice: { pids: [pid] } })
      expect(error.message).toMatch(
        new RegExp(`held by pid ${pid}, role postgres, .*since a time that only pg_read_all_stats shows$`),
      )
    })
    await appender.close()
  })
})

/** Runs transactions that each hold the head of a chain for `seconds`, all at once, so that they queue for it. */
async function queueFor(domainId: string, transactions: number, seconds: number): Promise<void> {
  const turn = `BEGIN; SELECT FROM audit_log_chain_head WHERE domain_id = '${domainId}' FOR UPDATE;
    SELECT pg_sleep(${seconds}); COMMIT`
  await Promise.all(Array.from({ length: transactions }, () => rowsOf(database.url, turn)))
}

describe('a queue that moves', () => {
  it('is waited in for longer than the lock timeout', async () => {
    const domainId = await writer.create()
    const others = queueFor(domainId, 8, 0.25)
    await sleep(240)
    const began = performance.now()
    expect(outcomes([await writer.record(domainId)])).toEqual([2])
    expect(performance.now() - began).toBeGreaterThan(TIMEOUT)
    await others
  })

  it('does not hide that another chain of the entry is held all the time', async () => {
    const [moving = '', held = ''] = [await writer.create(), await writer.create()].toSorted()
    await beside(HEAD, [held], async (pid) => {
      const others = queueFor(moving, 15, 0.1)
      const error = await writer.record([moving, held]).catch((e) => e)
      expect(error).toMatchObject({ code: 'lock_timeout', advice: { pids: [pid] } })
      await others
    })
  })
})

describe('writers that race', () => {
  it('begin the platform chain and Domains without a failure', async () => {
    const fresh = await testDatabase()
    const writers = Array.from({ length: 6 }, () => new Writer(fresh.url))
    const created = await Promise.all(writers.map((one) => one.create()))
    const lone = new Writer(fresh.url)
    expect(await allFindings(lone)).toEqual([])
    expect(new Set(created).size).toBe(6)
    for (const one of [...writers, lone]) await one.close()
    await fresh.drop()
  })

  it('create one Domain once, and all others get domain_exists', async () => {
    const domainId = '018f0000-0000-7000-8000-000000000777'
    const writers = Array.from({ length: 5 }, () => new Writer(database.url))
    const codes = await Promise.all(
      writers.map((one) =>
        one.create(domainId).then(
          () => 'created',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(codes.toSorted()).toEqual(['created', ...Array(4).fill('domain_exists')])
    for (const one of writers) await one.close()
  })

  it('append to several chains in any order without a deadlock', async () => {
    const chains = [await writer.create(), await writer.create(), await writer.create()]
    const writers = Array.from({ length: 4 }, () => new Writer(database.url))
    const turns = Array.from({ length: 40 }, (_, i) => [chains[i % 3] ?? '', chains[(i * 2 + 1) % 3] ?? ''])
    await Promise.all(turns.map((pair, i) => writers[i % 4]?.record([...new Set(pair)])))
    for (const one of writers) await one.close()
  })
})
