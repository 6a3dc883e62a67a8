import { afterAll, beforeAll, expect, it } from 'vitest'
import { Database } from '../../src/repo/database.js'
import { ScanClient } from '../../src/repo/scan-client.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await testDatabase({ migrated: false })
  db = new Database(database.url)
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

const connections = () =>
  rowsOf(
    database.url,
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  )

it('ends where it was given up while it connected', async () => {
  const stop = new AbortController()
  const opening = ScanClient.open(db, stop.signal)
  stop.abort(new Error('stop'))
  await expect(opening).rejects.toThrow('stop')
  await expect.poll(connections).toEqual([])
})
