import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { FormatError } from '../../src/chain/format-error.js'
import { Database } from '../../src/repo/session/database.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'

let database: TestDatabase
/** A pool of one connection, so that the next call shows any damage to the connection. */
let db: Database

beforeAll(async () => {
  database = await testDatabase({ migrated: false })
  db = new Database(database.url, 1)
  await db.write((client) => client.query('CREATE TABLE t (n int CHECK (n > 0))'))
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

const count = async () => (await db.write((client) => client.query('SELECT FROM t'))).rowCount

describe('withTransaction', () => {
  it('rolls back after a failure, and the connection stays usable', async () => {
    const failure = new AuditError('chain_conflict', 'x')
    const failing = db.withTransaction(BEGIN, async (client) => {
      await client.query('INSERT INTO t VALUES (1)')
      throw failure
    })
    await expect(failing).rejects.toBe(failure)
    expect(await count()).toBe(0)
  })

  it('rejects if the caller ignored a failed statement', async () => {
    const swallowing = db.withTransaction(BEGIN, async (client) => {
      await client.query('INSERT INTO t VALUES (1)')
      await client.query('INSERT INTO t VALUES (0)').catch(() => undefined)
    })
    await expect(swallowing).rejects.toMatchObject({
      code: 'database_failed',
      message: 'Postgres: ROLLBACK instead of COMMIT',
    })
    expect(await count()).toBe(0)
  })

  it('leaves no transaction open if BEGIN fails', async () => {
    const failing = db.withTransaction(`${BEGIN}; SELECT 1/0`, async () => undefined)
    await expect(failing).rejects.toMatchObject({ code: 'database_failed' })
    await db.write((client) => client.query('INSERT INTO t VALUES (7)'))
    const other = new Database(database.url)
    expect((await other.write((client) => client.query('DELETE FROM t'))).rowCount).toBe(1)
    await other.close()
  })
})

describe('a lost connection', () => {
  it.each([
    ['ended by the server', `SELECT pg_terminate_backend(pg_backend_pid())`],
    ['idle for too long in a transaction', 'kill by timeout'],
  ])('is not used again if it was %s', async (_how, sql) => {
    const lost = db.write(async (client) => {
      if (sql.startsWith('SELECT')) return client.query(sql)
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 1')
      await new Promise((resolve) => client.once('error', resolve))
      return client.query('SELECT')
    })
    await expect(lost).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await count()).toBe(0)
  })
})

describe('databaseError', () => {
  it.each([
    ['TypeError', new TypeError('x is not a function')],
    ['RangeError', new RangeError('out of range')],
    ['FormatError', new FormatError('seq', 'too large')],
  ])('reports a bug of ours, a %s, as internal', async (_name, bug) => {
    const failing = db.write(() => Promise.reject(bug))
    await expect(failing).rejects.toMatchObject({ code: 'internal', cause: bug })
  })

  it('does not report a feature that Postgres lacks as a down migration', async () => {
    const unsupported = db.write((client) =>
      client.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END $$`),
    )
    await expect(unsupported).rejects.toMatchObject({ code: 'database_failed' })
  })
})
