import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pinSchema } from '../../src/repo/schema/schema-status.js'
import { Database } from '../../src/repo/session/database.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
/** A pool of one connection: the look at the migrations must not wait for the connection that failed. */
let db: Database

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url, 1)
  await pinSchema(db)
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

const query = (sql: string) =>
  db
    .write((client) => client.query(sql))
    .then(
      () => 'done',
      (error) => error.code,
    )

const MISSING = [
  ['a column', 'SELECT moved FROM audit_domain', 'database_failed'],
  ['a table', 'SELECT FROM audit_moved', 'schema_missing'],
  ['a function', 'SELECT audit_moved()', 'database_failed'],
] as const

const RECORD = `INSERT INTO audit_schema_migration VALUES (9999, 'of a newer program', sha256(''))`

describe('a statement about something that the database does not have', () => {
  it.each(MISSING)('fails as before while the schema is the checked one: %s', async (_what, sql, code) => {
    expect(await query(sql)).toBe(code)
  })

  it.each(MISSING)('fails with schema_newer once a newer program has migrated: %s', async (_what, sql) => {
    await rowsOf(database.url, `${RECORD} ON CONFLICT DO NOTHING`)
    expect(await query(sql)).toBe('schema_newer')
  })

  it('is the only failure that the newer schema explains', async () => {
    expect(await query('SELECT 1/0')).toBe('database_failed')
    expect(await query('SELECT FROM audit_domain')).toBe('done')
  })

  it('fails as before on a database whose schema was not checked', async () => {
    const unpinned = new Database(database.url, 1)
    const missing = unpinned.read((client) => client.query('SELECT moved FROM audit_domain'))
    await expect(missing).rejects.toMatchObject({ code: 'database_failed' })
    await unpinned.close()
  })
})
