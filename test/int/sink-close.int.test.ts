import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSink } from '../../src/compose/create-sink.js'
import { chainLength, testPepper, Writer } from '../support/append-chains.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  await writer.close()
  await database.drop()
})

it('closes a sink once, however often it is asked, and keeps what was recorded', async () => {
  const domainId = await writer.create()
  const sink = createSink({
    databaseUrl: database.url,
    pepper: testPepper(),
    defaults: { domainIds: [domainId] },
  })
  const recorded = sink.record({ subjectId: 'alice', relation: 'a.b', object: 'c:1' })
  await expect(Promise.all([sink.close(), sink.close(), recorded])).resolves.toHaveLength(3)
  await expect(sink.close()).resolves.toBeUndefined()
  expect(await chainLength(writer, domainId)).toBe(2)
})
