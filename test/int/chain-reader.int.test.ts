import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Database } from '../../src/repo/session/database.js'
import { postgresChainReader } from '../../src/repo/signer/chain-reader.js'
import { NEVER } from '../support/archive-fixture.js'
import { stampSql } from '../support/archive-stamps.js'
import { insertDomain } from '../support/chain-rows.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

let test: TestDatabase
let database: Database

beforeAll(async () => {
  test = await testDatabase()
  database = new Database(test.url)
})

afterAll(async () => {
  await database.close()
  await test.drop()
})

it.each([
  ['no row', [], []],
  ['a range over a power of ten', [9, 10], [9, 10]],
  ['two ranges over powers of ten', [8, 9, 10, 99, 100, 101], [8, 10, 99, 101]],
  ['single rows', [2, 11, 20], [2, 2, 11, 11, 20, 20]],
])('reads %s without a stamp as ranges in the order of numbers', async (_what, unstamped, ranges) => {
  const domainId = randomUUID()
  await insertDomain(test.url, domainId, Array(120).fill({}))
  await asSuperuser(
    test.url,
    stampSql(`domain_id = '${domainId}' AND NOT seq = ANY('{${unstamped.join(',')}}')`),
  )
  for (const toSeq of [120, 1_000]) {
    const rows = await postgresChainReader(database).snapshot({ domainId, fromSeq: 1, toSeq }, NEVER)
    expect([...Array.from(rows.unstamped)]).toEqual(ranges)
    await rows.close()
  }
})
