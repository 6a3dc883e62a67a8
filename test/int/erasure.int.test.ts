import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pseudonym } from '../../src/chain/hash.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { eraseEverywhere } from '../../src/erasure/erase-everywhere.js'
import {
  type EraseRequest,
  type ErasureReceipt,
  eraseIdentity,
  previewErasure,
} from '../../src/erasure/erase-identity.js'
import type { Person } from '../../src/erasure/person.js'
import { getEntry } from '../../src/query/get.js'
import { postgresErasureStore } from '../../src/repo/erasure/erase.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { ACTOR, allFindings, chainLength, entryFor, storedRows, Writer } from '../support/append-chains.js'
import { inOrderOf } from '../support/lock-queue.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  expect(await allFindings(writer)).toEqual([])
  await writer.close()
  await database.drop()
})

const ports = () => ({
  store: postgresErasureStore(writer.database),
  pepper: writer.pepper,
  remaining: { of: async () => [] },
})

const ALICE: Person = { subjectId: 'alice' }
const NOW = {
  subject: { plaintext: 'Alice A.', email_claim: 'a@example.org', source_ip: '192.0.2.1' },
  context: { ip: '192.0.2.1', user_agent: 'curl/8', metadata: { from: 'home' } },
}

function erase(domainId: string, person: Person, options: Partial<EraseRequest> = {}) {
  return eraseIdentity(ports(), { domainId, person, actor: ACTOR, block: false, ...options })
}

const pseudonymOn = async (domainId: string, subjectId: string) =>
  pseudonym(await writer.pepper.pepperOf(domainId), subjectId)

/** Returns the pseudonyms that have a mapping, and the seqs that have a context. */
async function kept(domainId: string) {
  const mappings = await rowsOf(
    database.url,
    `SELECT encode(subject_pseudonym, 'hex') AS p FROM audit_subject_pii WHERE domain_id = $1 ORDER BY 1`,
    [domainId],
  )
  const contexts = await rowsOf(
    database.url,
    'SELECT seq::int FROM audit_entry_context WHERE domain_id = $1 ORDER BY 1',
    [domainId],
  )
  return { mappings: mappings.map(({ p }) => p), contexts: contexts.map(({ seq }) => seq) }
}

/** Creates a Domain on which alice acted twice and bob once, each row with a context. */
async function peopled(): Promise<string> {
  const domainId = await writer.create()
  await writer.record(domainId, NOW)
  await writer.record(domainId, { ...NOW, subject_id: 'bob' })
  await writer.record(domainId, { context: NOW.context })
  return domainId
}

describe('an erasure', () => {
  it('deletes the mapping and the contexts of one person, and leaves every row', async () => {
    const domainId = await peopled()
    const before = await storedRows(database.url, domainId)
    const alice = await pseudonymOn(domainId, 'alice')
    const preview = await previewErasure(ports(), { domainId, person: ALICE })
    expect(preview).toEqual({
      domainId,
      subjectPseudonym: alice,
      mappings: 1,
      contexts: 2,
      rows: 2,
      holds: [],
    })
    const receipt = await erase(domainId, ALICE)
    const rows = await storedRows(database.url, domainId)
    expect(receipt).toMatchObject({ seq: 5, mappingsDeleted: 1, contextsDeleted: 2, remaining: [] })
    expect(rows.slice(0, -1)).toEqual(before)
    expect(rows.at(-1)).toMatchObject({
      seq: receipt.seq,
      entry_hash: receipt.entryHash,
      relation: 'audit.erase-identity',
      object: `identity:${alice}`,
      subject: await pseudonymOn(domainId, ACTOR),
    })
    expect(await kept(domainId)).toEqual({ mappings: [await pseudonymOn(domainId, 'bob')], contexts: [3] })
  })

  it('deletes the idempotency keys of one person, so that a retried append is a new entry', async () => {
    const [domainId, other] = [await writer.create(), await writer.create()]
    const entries = [
      [domainId, { ...NOW, idempotency_key: randomUUID() }],
      [domainId, { ...NOW, subject_id: 'bob', idempotency_key: randomUUID() }],
      [other, { ...NOW, idempotency_key: randomUUID() }],
    ] as const
    const record = () => Promise.all(entries.map(([chain, entry]) => writer.record(chain, entry)))
    const first = await record()
    const { seq } = await erase(domainId, ALICE)
    const [alice, ...others] = await record()
    expect(alice).toMatchObject([{ seq: seq + 1 }])
    expect(others).toEqual(first.slice(1))
    expect(await erase(domainId, ALICE)).toMatchObject({ mappingsDeleted: 1, contextsDeleted: 1 })
  })

  it('deletes newer idempotency keys when it is repeated, also of a blocked person', async () => {
    const domainId = await peopled()
    await erase(domainId, ALICE, { block: true })
    const entry = { ...NOW, idempotency_key: randomUUID() }
    await writer.record(domainId, entry)
    expect(await erase(domainId, ALICE)).toMatchObject({ seq: 5, repeated: true })
    expect(await writer.record(domainId, entry)).toMatchObject([{ seq: 7 }])
  })

  it('is proven by its row', async () => {
    const domainId = await peopled()
    const receipt = await erase(domainId, ALICE)
    const proven = await getEntry(postgresEntryReader(writer.database), domainId, receipt.seq)
    expect(proven.problem).toBeUndefined()
    expect(proven.entry.relationPath).toEqual(['mappings:1', 'contexts:2'])
    expect(proven.entry.recordedAt).toBe(receipt.erasedAt)
  })

  it('writes nothing when it is repeated, and returns the same receipt with nothing deleted', async () => {
    const domainId = await peopled()
    const first = await erase(domainId, ALICE)
    const second = await erase(domainId, ALICE)
    expect(second).toEqual({ ...first, mappingsDeleted: 0, contextsDeleted: 0, repeated: true })
    expect(await chainLength(writer, domainId)).toBe(first.seq)
  })

  it('is a new erasure for a person who comes back', async () => {
    const domainId = await peopled()
    await erase(domainId, ALICE)
    await writer.record(domainId, NOW)
    expect((await kept(domainId)).mappings).toHaveLength(2)
    expect(await erase(domainId, ALICE)).toMatchObject({ seq: 7, mappingsDeleted: 1, repeated: false })
  })

  it('is recorded on the chain for an unknown person too', async () => {
    const domainId = await peopled()
    expect(await erase(domainId, { subjectId: 'stranger' })).toMatchObject({
      seq: 5,
      mappingsDeleted: 0,
      contextsDeleted: 0,
    })
  })

  it('works for a pseudonym of an unknown person', async () => {
    const domainId = await peopled()
    const person = { pseudonym: await pseudonymOn(domainId, 'alice') }
    expect(await erase(domainId, person)).toMatchObject({ mappingsDeleted: 1, contextsDeleted: 2 })
  })

  it('leaves the data on other chains', async () => {
    const [one, other] = [await peopled(), await peopled()]
    await erase(one, ALICE)
    expect((await kept(other)).mappings).toHaveLength(2)
  })

  it.each([
    ['an unknown Domain', async () => randomUUID(), 'domain_not_found'],
    ['the nil UUID', async () => '00000000-0000-0000-0000-000000000000', 'domain_not_found'],
  ])('refuses %s', async (_what, domain, code) => {
    const domainId = await domain()
    await expect(erase(domainId, ALICE)).rejects.toMatchObject({ code })
    await expect(previewErasure(ports(), { domainId, person: ALICE })).rejects.toMatchObject({ code })
  })

  it('refuses another pepper, which would not find the person', async () => {
    const domainId = await peopled()
    const pepper = { pepperOf: async () => Buffer.alloc(32, 1) }
    const request = { domainId, person: ALICE, actor: ACTOR, block: false }
    await expect(previewErasure({ ...ports(), pepper }, request)).rejects.toMatchObject({
      code: 'pepper_mismatch',
    })
    await expect(eraseIdentity({ ...ports(), pepper }, request)).rejects.toMatchObject({
      code: 'pepper_mismatch',
    })
    expect((await kept(domainId)).mappings).toHaveLength(2)
  })

  it.each([
    ['the head is behind', 2],
    ['the head is ahead', 6],
  ])('deletes nothing when its row cannot be written: %s', async (_what, next) => {
    const domainId = await peopled()
    const fork = `UPDATE audit_log_chain_head SET next_seq = ${next} WHERE domain_id = $1`
    const back = 'UPDATE audit_log_chain_head SET next_seq = 5 WHERE domain_id = $1'
    await asSuperuser(database.url, (client) => client.query(fork, [domainId]))
    await expect(erase(domainId, ALICE)).rejects.toMatchObject({ code: 'chain_conflict' })
    expect((await kept(domainId)).mappings).toHaveLength(2)
    await asSuperuser(database.url, (client) => client.query(back, [domainId]))
  })

  it('works on the platform chain', async () => {
    await writer.record(PLATFORM_ANCHOR, NOW)
    expect(await erase(PLATFORM_ANCHOR, ALICE)).toMatchObject({ mappingsDeleted: 1, contextsDeleted: 1 })
  })
})

describe('an identity', () => {
  const IDENTITY = '018F0000-0000-7000-8000-00000000AAAA'

  it('is erased with every subject that is mapped to it, with a row for each', async () => {
    const domainId = await writer.create()
    await writer.record(domainId, { subject_id: IDENTITY, context: NOW.context })
    const mapped = entryFor(domainId, { subject_id: 'alice@idp', ...NOW })
    await writer.sink.record({
      ...mapped,
      subject: { ...mapped.subject, identityId: IDENTITY.toLowerCase() },
    })
    await writer.record(domainId, { subject_id: 'bob', ...NOW })
    const receipt = await erase(domainId, { identityId: IDENTITY })
    const [own, other] = [await pseudonymOn(domainId, IDENTITY), await pseudonymOn(domainId, 'alice@idp')]
    expect(receipt).toMatchObject({
      subjectPseudonym: own,
      mappingsDeleted: 2,
      contextsDeleted: 2,
      others: [{ subjectPseudonym: other, seq: receipt.seq + 1 }],
    })
    const objects = (await storedRows(database.url, domainId)).slice(4).map(({ object }) => object)
    expect(objects).toEqual([`identity:${own}`, `identity:${other}`])
    expect(await kept(domainId)).toEqual({ mappings: [await pseudonymOn(domainId, 'bob')], contexts: [4] })
  })

  it('gets no new mapping as the actor when it erases itself', async () => {
    const domainId = await writer.create()
    await writer.record(domainId, { subject_id: IDENTITY, ...NOW })
    await erase(domainId, { identityId: IDENTITY }, { actor: IDENTITY })
    expect(await kept(domainId)).toEqual({ mappings: [], contexts: [] })
    await erase(domainId, ALICE, { actor: IDENTITY })
    expect((await kept(domainId)).mappings).toEqual([await pseudonymOn(domainId, IDENTITY)])
  })
})

describe('a block', () => {
  it('drops the personal data of later rows, and only of that person', async () => {
    const domainId = await peopled()
    expect(await erase(domainId, ALICE, { block: true })).toMatchObject({ blocked: true })
    await writer.record(domainId, NOW)
    await writer.record(domainId, { ...NOW, subject_id: 'carol' })
    expect(await kept(domainId)).toEqual({
      mappings: [await pseudonymOn(domainId, 'bob'), await pseudonymOn(domainId, 'carol')].sort(),
      contexts: [3, 7],
    })
  })

  it('applies to a writer that may not erase', async () => {
    const domainId = await peopled()
    await erase(domainId, ALICE, { block: true })
    const plain = new Writer(`${database.url}&options=-c%20role%3Daudit_writer`)
    await plain.record(domainId, NOW)
    const store = postgresErasureStore(plain.database)
    await expect(
      eraseIdentity({ ...ports(), store }, { domainId, person: ALICE, actor: ACTOR, block: false }),
    ).rejects.toMatchObject({ code: 'database_permission_denied' })
    await plain.close()
    expect((await kept(domainId)).contexts).toEqual([3])
  })

  it('is recorded by a row of its own, once, when it is added later', async () => {
    const domainId = await peopled()
    await erase(domainId, ALICE)
    expect(await erase(domainId, ALICE, { block: true })).toMatchObject({ seq: 6, repeated: false })
    expect(await erase(domainId, ALICE, { block: true })).toMatchObject({ seq: 6, repeated: true })
  })
})

describe('concurrent calls', () => {
  it('write one row and repeat one receipt for two erasures', async () => {
    const domainId = await peopled()
    const receipts: ErasureReceipt[] = []
    const run = async () => void receipts.push(await erase(domainId, ALICE))
    expect(await inOrderOf(database.url, domainId, [run, run])).toEqual(['done', 'done'])
    // The look after COMMIT may end after the erasure that waited for it.
    expect(receipts.sort((a, b) => Number(a.repeated) - Number(b.repeated))).toMatchObject([
      { seq: 5, contextsDeleted: 2, repeated: false },
      { seq: 5, contextsDeleted: 0, repeated: true },
    ])
    expect(await chainLength(writer, domainId)).toBe(5)
  })

  it('run appends of the same person before or after an erasure: a mapping belongs to a row after the last erasure', async () => {
    const domainId = await writer.create()
    const appends = Array.from({ length: 40 }, () => writer.record(domainId, NOW))
    const receipts = await Promise.all(Array.from({ length: 8 }, () => erase(domainId, ALICE)))
    const placed = (await Promise.all(appends)).flat()
    const last = Math.max(...receipts.map(({ seq }) => seq))
    const later = placed.map(({ seq }) => seq).filter((seq) => seq > last)
    const { mappings, contexts } = await kept(domainId)
    expect(contexts).toEqual(later.sort((a, b) => a - b))
    expect(mappings).toHaveLength(later.length > 0 ? 1 : 0)
  })
})

describe('an erasure on every chain', () => {
  it('covers the chains that hold data about the person, and continues after a failure', async () => {
    const chains = [await peopled(), await writer.create(), await peopled(), randomUUID()]
    const outcomes: unknown[] = []
    const run = eraseEverywhere(
      chains,
      (domainId) => previewErasure(ports(), { domainId, person: ALICE }),
      (preview) => erase(preview.domainId, ALICE),
      new AbortController().signal,
    )
    for await (const { item, ...outcome } of run) {
      outcomes.push([chains.indexOf(item), 'done' in outcome ? outcome.done.contextsDeleted : 'failed'])
    }
    expect(outcomes).toEqual([
      [0, 2],
      [2, 2],
      [3, 'failed'],
    ])
  })

  it('is refused for a person whom no chain knows', async () => {
    const run = eraseEverywhere(
      [await peopled()],
      (domainId) => previewErasure(ports(), { domainId, person: { subjectId: 'stranger' } }),
      async () => ({}),
      new AbortController().signal,
    )
    await expect(run.next()).rejects.toMatchObject({ code: 'subject_not_found' })
  })
})
