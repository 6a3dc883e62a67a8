import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Client } from '../../src/repo/session/database.js'
import { knownChains } from '../../src/repo/verify/known-chains.js'
import { Writer } from '../support/append-chains.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  await writer.create()
})

afterAll(async () => {
  await writer.close()
  await database.drop()
})

/** Returns a client that creates a Domain after each query. */
function creatingBetween(client: Client): Client {
  const query = async (text: string, values: unknown[]) => {
    const result = await client.query(text, values)
    await writer.create()
    return result
  }
  return { query } as unknown as Client
}

it('misses no registry entry of a Domain that is created while it reads, also without a snapshot', async () => {
  const known = await writer.database.read((client) => knownChains(creatingBetween(client)))
  expect([...known.created].filter((id) => !known.registered.has(id))).toEqual([])
  expect(known.created.size).toBeGreaterThan(1)
  expect(known.unrecorded ?? new Map()).toEqual(new Map())
})
