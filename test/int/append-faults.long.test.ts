import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { allFindings, chainLength, entryFor, outcomes, Writer } from '../support/append-chains.js'
import { type Fault, FaultProxy } from '../support/append-proxy.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
/** Connects directly to the server. */
let direct: Writer
let proxy: FaultProxy
/** Connects through the proxy. */
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  direct = new Writer(database.url)
  proxy = await FaultProxy.start(database.url)
  writer = new Writer(proxy.url)
  await asSuperuser(
    database.url,
    `ALTER TABLE audit_log_entry ADD CONSTRAINT not_here CHECK (relation <> 'refused.here')`,
  )
})

/** Checks the whole log after every test, including heads against rows. */
afterEach(async () => {
  expect(await allFindings(direct)).toEqual([])
})

afterAll(async () => {
  await writer.close()
  await proxy.close()
  await direct.close()
  await database.drop()
})

/** Terminates every backend of the database except the caller's. */
async function terminate(): Promise<void> {
  await rowsOf(
    database.url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ '(INSERT INTO|COPY) audit_'
       OR datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'`,
  )
}

/** Runs `write` with one fault at the first message that holds `marker`. Returns its outcome. */
async function faulty<T>(
  marker: string,
  fault: Fault,
  write: () => Promise<T>,
): Promise<T | { code: string }> {
  const hit = proxy.breakAt(marker, fault)
  const outcome = write().catch((error: { code: string }) => error)
  await hit
  if (fault === 'held') await terminate()
  return outcome
}

const COMMIT = 'COMMIT\0'

/** Each write, with the number of rows that it adds to the chain. */
const WRITES: [string, number, (domainId: string) => Promise<unknown>][] = [
  ['one entry', 1, (id) => writer.record(id)],
  [
    'a group',
    500,
    (id) =>
      writer.sink.recordGroup(
        Array.from({ length: 500 }, () => entryFor(id)),
        'continue',
      ),
  ],
  [
    'a group with one entry that Postgres refuses',
    2,
    (id) => {
      const group = [entryFor(id), entryFor(id, { relation: 'refused.here' }), entryFor(id)]
      return writer.sink.recordGroup(group, 'continue')
    },
  ],
  ['a fan-out', 1, (id) => writer.record([id, OTHER])],
  ['a row with personal data', 1, (id) => writer.record(id, { subject: { plaintext: 'A' }, context: {} })],
]

const OTHER = '018f0000-0000-7000-8000-000000000002'

beforeAll(() => direct.create(OTHER))

describe.each(WRITES)('%s', (_what, count, write) => {
  it.each<[string, Fault, boolean]>([
    ['is lost', 'lost', false],
    ['is held until the backend is terminated', 'held', false],
    ['is executed and its answer is lost', 'unanswered', true],
  ])('has an unknown outcome where COMMIT %s', async (_how, fault, applied) => {
    const domainId = await direct.create()
    const outcome = await faulty(COMMIT, fault, () => write(domainId))
    expect(outcome).toMatchObject({
      code: 'outcome_unknown',
      message: 'the connection was lost while committing',
      advice: { code: 'look_before_appending_again' },
    })
    // The server may still be executing COMMIT although its client is gone.
    const length = applied ? count + 1 : 1
    await expect.poll(() => chainLength(direct, domainId)).toBe(length)
    expect(outcomes([await writer.record(domainId)])).toEqual([length + 1])
  })
})

describe('a write that did not reach COMMIT', () => {
  it.each<[string, string, Fault]>([
    ['BEGIN', 'BEGIN', 'lost'],
    ['the lock', 'FOR NO KEY UPDATE', 'lost'],
    ['the statement for the rows', 'COPY audit_log_entry', 'lost'],
    ['the statement for the rows, which arrives', 'COPY audit_log_entry', 'unanswered'],
    ['the rows', 'PGCOPY', 'lost'],
    ['the rows, which arrive', 'PGCOPY', 'unanswered'],
    ['the head', 'UPDATE audit_log_chain_head', 'lost'],
    ['the head, which arrives', 'UPDATE audit_log_chain_head', 'unanswered'],
  ])(
    'stores nothing when the connection breaks at %s, and can be repeated',
    async (_where, marker, fault) => {
      const fresh = new Writer(proxy.url)
      const domainId = await direct.create()
      // Statements are prepared once for each connection, and this writer has not prepared them yet.
      const outcome = await faulty(marker, fault, () => fresh.record([domainId, OTHER]))
      expect(outcome).toMatchObject({ code: 'database_unavailable' })
      expect(await chainLength(direct, domainId)).toBe(1)
      expect((await fresh.record([domainId, OTHER])).find((row) => row.domainId === domainId)?.seq).toBe(2)
      await fresh.close()
    },
  )
})

/** A group that is sent in several slices: the server has the first slice while the others are being encoded. */
const longGroup = (domainId: string, first = entryFor(domainId)) => [
  first,
  ...Array.from({ length: 499 }, () => entryFor(domainId)),
]

describe('a long group', () => {
  it('loses only the row that Postgres refuses while other rows are still being sent', async () => {
    const domainId = await direct.create()
    const group = longGroup(domainId, entryFor(domainId, { relation: 'refused.here' }))
    const placed = await direct.sink.recordGroup(group, 'continue')
    expect(outcomes(placed)).toEqual(['invalid_input', ...Array.from({ length: 499 }, (_, i) => i + 2)])
  })

  it.each<Fault>(['lost', 'unanswered', 'held'])(
    'stores nothing when its first rows are %s',
    async (fault) => {
      const domainId = await direct.create()
      const outcome = await faulty('PGCOPY', fault, () =>
        writer.sink.recordGroup(longGroup(domainId), 'continue'),
      )
      expect(outcome).toMatchObject({ code: 'database_unavailable' })
      expect(await chainLength(direct, domainId)).toBe(1)
      expect(outcomes([await writer.record(domainId)])).toEqual([2])
    },
  )
})

describe('a Domain', () => {
  it.each<[string, Fault, boolean]>([
    ['not there where COMMIT is lost', 'lost', false],
    ['there where the answer is lost', 'unanswered', true],
  ])('is complete or %s', async (_how, fault, applied) => {
    const domainId = `018f0000-0000-7000-8000-0000000000f${Number(applied)}`
    const before = await chainLength(direct, PLATFORM_ANCHOR)
    expect(await faulty(COMMIT, fault, () => writer.create(domainId))).toMatchObject({
      code: 'outcome_unknown',
    })
    await expect.poll(() => chainLength(direct, domainId)).toBe(applied ? 1 : 0)
    expect(await chainLength(direct, PLATFORM_ANCHOR)).toBe(before + (applied ? 1 : 0))
    const again = writer.create(domainId)
    if (applied) await expect(again).rejects.toMatchObject({ code: 'domain_exists' })
    else expect(await again).toBe(domainId)
  })
})

describe('a COMMIT', () => {
  it('is refused, not unknown, when the server refuses it', async () => {
    const domainId = await direct.create()
    await asSuperuser(
      database.url,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'no' USING ERRCODE = 'P0001';
       END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit_log_entry DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.relation = 'refused.late') EXECUTE FUNCTION refuse()`,
    )
    await expect(writer.record(domainId, { relation: 'refused.late' })).rejects.toMatchObject({
      code: 'database_failed',
    })
    expect(await chainLength(direct, domainId)).toBe(1)
    expect(outcomes([await writer.record(domainId)])).toEqual([2])
  })
})

describe('a backend that was terminated', () => {
  it('has written nothing while it waited for the lock, and the next append gets a new backend', async () => {
    const domainId = await direct.create()
    await asSuperuser(database.url, async (client) => {
      await client.query('BEGIN')
      await client.query('SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR UPDATE', [domainId])
      const waiting = writer.record(domainId).catch((error: unknown) => error)
      const blocked = () =>
        rowsOf(
          database.url,
          `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event = 'transactionid'`,
        )
      await expect.poll(blocked).toEqual([{ done: true }])
      expect(await waiting).toMatchObject({ code: 'database_unavailable' })
      await client.query('ROLLBACK')
    })
    expect(outcomes([await writer.record(domainId)])).toEqual([2])
  })

  it('is replaced if it was idle', async () => {
    const domainId = await direct.create()
    await writer.record(domainId)
    await rowsOf(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    const connections = () =>
      rowsOf(
        database.url,
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
    await expect.poll(connections).toEqual([])
    expect(outcomes([await writer.record(domainId)])).toEqual([3])
  })
})
