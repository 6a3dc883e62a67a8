import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendStream } from '../../src/append/append-stream.js'
import type { Candidate, Candidates } from '../../src/append/input/candidates.js'
import { createSink } from '../../src/compose/create-sink.js'
import { OpenBaoPepper } from '../../src/pepper/openbao.js'
import { parsePepperUrl } from '../../src/pepper/pepper-url.js'
import type { AtRefusal } from '../../src/ports/append.js'
import { allFindings, chainLength, entryFor, outcomes, storedRows, Writer } from '../support/append-chains.js'
import { KvAdmin } from '../support/kv2-admin.js'
import { Kv2Server } from '../support/kv2-server.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let server: Kv2Server
let admin: KvAdmin
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  server = await Kv2Server.start()
  admin = new KvAdmin(server.url(), server.rootToken)
  await admin.putPepper('706c6174-666f-726d-8000-000000000000', randomBytes(32))
  const place = parsePepperUrl(server.url())
  if (place.kind !== 'openbao') throw new Error('expected openbao')
  // The timeout is long because the tests count requests: on a busy machine a retry would be counted too.
  const patience = { timeout: 5_000, retries: 1, backOff: { first: 1, jitter: 0 }, now: () => 0 }
  writer = new Writer(
    database.url,
    new OpenBaoPepper(place, { login: { token: server.rootToken } }, patience),
  )
})

afterAll(async () => {
  expect(await allFindings(writer)).toEqual([])
  await writer.close()
  await server.close()
  await database.drop()
})

/** A new chain with a pepper of its own in the vault. */
async function create(): Promise<string> {
  const domainId = randomUUID()
  await admin.putPepper(domainId, randomBytes(32))
  return writer.create(domainId)
}

const transactions = async (domainId: string) =>
  new Set((await storedRows(database.url, domainId)).slice(1).map((row) => row.transaction)).size

/** Returns how often this chain's pepper was requested from the vault while `work` ran. */
async function asked(domainId: string, work: () => Promise<unknown>): Promise<number> {
  const before = server.requests(domainId)
  await work()
  return server.requests(domainId) - before
}

async function* candidates(
  domainId: string,
  count: number,
  before: (i: number) => Promise<unknown> | undefined = () => undefined,
): AsyncGenerator<Candidate[]> {
  for (let i = 0; i < count; i += 1) {
    await before(i)
    const entry = entryFor(domainId, { correlation_id: `${i}` })
    yield [{ where: `line ${i + 1}`, entry, raw: () => new Uint8Array() }]
  }
}

/** Returns the seq or the code of the refusal for each entry of a stream. */
async function streamed(source: Candidates, atRefusal: AtRefusal): Promise<(number | string)[]> {
  const seqs: (number | string)[] = []
  const { signal } = new AbortController()
  for await (const outcomes of appendStream(writer.sink, source, atRefusal, signal))
    for (const outcome of outcomes)
      seqs.push('refused' in outcome ? outcome.refused.code : (outcome.placed[0]?.seq ?? 'none'))
  return seqs
}

describe('a pepper', () => {
  it('is requested once for each transaction of a stream, not for each line', async () => {
    const domainId = await create()
    const reads = await asked(domainId, () => streamed(candidates(domainId, 10_000), 'stop'))
    expect(await chainLength(writer, domainId)).toBe(10_001)
    expect(reads).toBe(await transactions(domainId))
    expect(reads).toBeLessThan(1000)
  })

  it('is requested once for all entries that are recorded while a transaction runs', async () => {
    const domainId = await create()
    const burst = () => Promise.all(Array.from({ length: 4500 }, () => writer.record(domainId)))
    expect(await asked(domainId, burst)).toBe(3)
  })

  it('is requested again for each single entry, because nothing is cached', async () => {
    const domainId = await create()
    const reads = await asked(domainId, async () => {
      for (let i = 0; i < 5; i += 1) await writer.record(domainId)
    })
    expect(reads).toBe(5)
  })
})

describe('a pepper that changes unnoticed', () => {
  it.each(['stop', 'continue'] as const)(
    'is refused in the middle of a stream, with %s',
    async (atRefusal) => {
      const domainId = await create()
      const rotate = (i: number) => (i === 3000 ? admin.putPepper(domainId, randomBytes(32)) : undefined)
      const results = await streamed(candidates(domainId, 6000, rotate), atRefusal)
      const refusedAt = results.indexOf('pepper_mismatch')
      expect(refusedAt).toBeGreaterThanOrEqual(0)
      expect(results.slice(0, refusedAt)).toEqual(Array.from({ length: refusedAt }, (_, i) => i + 2))
      const rest = atRefusal === 'stop' ? 1 : 6000 - refusedAt
      expect(results.slice(refusedAt)).toEqual(Array(rest).fill('pepper_mismatch'))
      expect(await chainLength(writer, domainId)).toBe(refusedAt + 1)
    },
  )

  it('is refused by a long-lived sink until the old pepper is back', async () => {
    const domainId = await create()
    const { BAO_TOKEN: before } = process.env
    process.env.BAO_TOKEN = server.rootToken
    const sink = createSink({ databaseUrl: database.url, pepper: server.url() })
    if (before === undefined) delete process.env.BAO_TOKEN
    else process.env.BAO_TOKEN = before
    const record = () =>
      sink.record({ subjectId: 'alice', relation: 'r', object: 'd:1', domainIds: [domainId] })
    expect(outcomes([await record()])).toEqual([2])
    await admin.putPepper(domainId, randomBytes(32))
    await expect(record()).rejects.toMatchObject({ code: 'pepper_mismatch' })
    await expect(record()).rejects.toMatchObject({ code: 'pepper_mismatch' })
    await admin.delete(domainId)
    await expect(record()).rejects.toMatchObject({ code: 'pepper_unavailable' })
    expect(await chainLength(writer, domainId)).toBe(2)
    await sink.close()
  })
})

describe('a sink without a pepper', () => {
  it('appends an entry on none of its chains, and the other entries', async () => {
    const [domainId, without] = [await create(), await create()]
    await admin.purge(without)
    const group = [domainId, [domainId, without], without, domainId].map((chains) => entryFor(chains))
    const result = await writer.sink.recordGroup(group, 'continue')
    expect(outcomes(result)).toEqual([2, 'pepper_unavailable', 'pepper_unavailable', 3])
    expect([await chainLength(writer, domainId), await chainLength(writer, without)]).toEqual([3, 1])
  })

  it('begins no chain', async () => {
    await expect(create().then(() => writer.create(randomUUID()))).rejects.toMatchObject({
      code: 'pepper_unavailable',
      advice: { code: 'provision_pepper', domainId: expect.any(String) },
    })
  })

  it('ends a stream when the server goes away, with every earlier row stored', async () => {
    const domainId = await create()
    const cut = async (i: number) => {
      if (i === 3000) server.fault = ({ path }) => (path.includes(domainId) ? 'cut' : undefined)
    }
    const results = await streamed(candidates(domainId, 6000, cut), 'stop')
    server.fault = () => undefined
    expect(results.at(-1)).toBe('pepper_unavailable')
    expect(results.slice(0, -1)).toEqual(Array.from({ length: results.length - 1 }, (_, i) => i + 2))
    expect(await chainLength(writer, domainId)).toBe(results.length)
  })
})
