import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Database } from '../../src/repo/session/database.js'
import { ScanClient } from '../../src/repo/session/scan-client.js'
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

it('closes its connection after an abort during connecting', async () => {
  const stop = new AbortController()
  const opening = ScanClient.open(db, stop.signal)
  stop.abort(new Error('stop'))
  await expect(opening).rejects.toThrow('stop')
  await expect.poll(connections).toEqual([])
})

it('is not subject to the timeouts of the server', async () => {
  // PostgreSQL 17 is the first with transaction_timeout.
  const limits = await rowsOf(
    database.url,
    `SELECT name FROM pg_settings
     WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`,
  )
  const options = limits.map(({ name }) => `-c ${name}=150`).join(' ')
  const limited = new Database(`${database.url}&options=${encodeURIComponent(options)}`)
  const scan = await ScanClient.open(limited, new AbortController().signal)
  await scan.run((client) => client.query('SELECT pg_sleep(0.3)'))
  await sleep(300)
  const { rowCount } = await scan.run((client) => client.query('SELECT pg_sleep(0.3)'))
  await scan.close()
  await limited.close()
  expect(rowCount).toBe(1)
})
