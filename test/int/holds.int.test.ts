import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pseudonym } from '../../src/chain/hash.js'
import { type HoldJson, holdJson } from '../../src/cli/erasure/hold-json.js'
import { eraseIdentity, previewErasure } from '../../src/erasure/erase-identity.js'
import { type ChangedHold, placeHold, releaseHold, streamHolds } from '../../src/erasure/hold.js'
import type { Person } from '../../src/erasure/person.js'
import { applyRetention } from '../../src/erasure/purge.js'
import { DEFAULT_POLICY } from '../../src/erasure/retention.js'
import { postgresErasureStore } from '../../src/repo/erasure/erase.js'
import { postgresHoldStore } from '../../src/repo/erasure/holds.js'
import { postgresRetentionStore } from '../../src/repo/erasure/retention.js'
import { ACTOR, allFindings, entryFor, storedRows, Writer } from '../support/append-chains.js'
import { inOrderOf } from '../support/lock-queue.js'
import { oldChain } from '../support/old-chain.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer
/** The same database as audit_eraser: no operation here needs another role. */
let eraser: Writer

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  eraser = new Writer(`${database.url}&options=-c%20role%3Daudit_eraser`)
})

afterAll(async () => {
  expect(await allFindings(writer)).toEqual([])
  await eraser.close()
  await writer.close()
  await database.drop()
})

const IDENTITY = '018f0000-0000-7000-8000-00000000aaaa'
const ALICE: Person = { subjectId: 'alice' }
const never = new AbortController().signal

const holds = () => ({ store: postgresHoldStore(eraser.database), pepper: eraser.pepper })
const retention = () => ({
  store: postgresRetentionStore(eraser.database, DEFAULT_POLICY),
  pepper: eraser.pepper,
})
const erasure = () => ({
  store: postgresErasureStore(eraser.database),
  pepper: eraser.pepper,
  remaining: { of: async () => [] },
})

const flat = ({ hold, auditRow }: ChangedHold) => ({ ...hold, seq: auditRow.seq })
const place = async (domainId: string, person?: Person, reason = 'case 4711') =>
  flat(await placeHold(holds(), { domainId, person, reason, actor: ACTOR }))
const release = async (id: number) => flat(await releaseHold(holds(), { id, reason: 'closed', actor: ACTOR }))
const erase = (domainId: string, person: Person = ALICE) =>
  eraseIdentity(erasure(), { domainId, person, actor: ACTOR, block: false })
const purge = (domainId: string) => applyRetention(retention(), { domainId, actor: ACTOR }, never)

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

async function peopled(): Promise<string> {
  const domainId = await writer.create()
  const details = { context: { ip: '192.0.2.1' }, subject: { plaintext: 'Alice A.' } }
  const mapped = entryFor(domainId, details)
  await writer.sink.record({ ...mapped, subject: { ...mapped.subject, identityId: IDENTITY } })
  await writer.record(domainId, { ...details, subject_id: 'bob' })
  return domainId
}

async function count(domainId: string) {
  const [row] = await rowsOf(
    database.url,
    `SELECT (SELECT count(*)::int FROM audit_subject_pii WHERE domain_id = $1) AS mappings,
       (SELECT count(*)::int FROM audit_entry_context WHERE domain_id = $1) AS contexts`,
    [domainId],
  )
  return [row?.mappings, row?.contexts]
}

async function listed(domainId: string, inForceOnly = true): Promise<HoldJson[]> {
  const found: HoldJson[] = []
  for await (const hold of streamHolds(holds().store, { domainId, inForceOnly })) found.push(holdJson(hold))
  return found
}

const alicesPseudonym = async (domainId: string) => pseudonym(await writer.pepper.pepperOf(domainId), 'alice')

describe('a legal hold', () => {
  it.each<[string, (domainId: string) => Promise<Person | undefined>]>([
    ['the chain', async () => undefined],
    ['the subject', async () => ALICE],
    ['the pseudonym', async (domainId) => ({ pseudonym: await alicesPseudonym(domainId) })],
    ['an identity that is mapped to the subject', async () => ({ identityId: IDENTITY.toUpperCase() })],
  ])('on %s prevents the erasure of the person until it is released', async (_what, person) => {
    const domainId = await peopled()
    const { id } = await place(domainId, await person(domainId))
    const before = await storedRows(database.url, domainId)
    expect(await codeOf(erase(domainId))).toBe('legal_hold')
    expect(await codeOf(erase(domainId, { identityId: IDENTITY }))).toBe('legal_hold')
    expect(await previewErasure(erasure(), { domainId, person: ALICE })).toMatchObject({ holds: [id] })
    expect(await count(domainId)).toEqual([2, 2])
    expect(await storedRows(database.url, domainId)).toEqual(before)
    await release(id)
    expect(await erase(domainId)).toMatchObject({ mappingsDeleted: 1, contextsDeleted: 1 })
  })

  it('does not prevent the erasure of others if it is on one person', async () => {
    const domainId = await peopled()
    await place(domainId, ALICE)
    expect(await codeOf(erase(domainId, { subjectId: 'bob' }))).toBe('done')
  })

  it('covers a mapping that comes later', async () => {
    const domainId = await writer.create()
    await place(domainId, { identityId: IDENTITY })
    const mapped = entryFor(domainId, { subject_id: 'late' })
    await writer.sink.record({ ...mapped, subject: { identityId: IDENTITY } })
    expect(await codeOf(erase(domainId, { subjectId: 'late' }))).toBe('legal_hold')
  })

  it('is recorded on the chain with its target, and so is its release', async () => {
    const domainId = await peopled()
    const placed = await place(domainId, ALICE)
    const released = await release(placed.id)
    const [first, second] = (await storedRows(database.url, domainId)).slice(-2)
    expect(first).toMatchObject({
      relation: 'audit.hold-place',
      object: `hold:${placed.id}`,
      seq: placed.seq,
    })
    expect(second).toMatchObject({ relation: 'audit.hold-release', seq: released.seq })
    const paths = await rowsOf(
      database.url,
      'SELECT relation_path FROM audit_log_entry WHERE domain_id = $1 AND seq >= $2',
      [domainId, placed.seq],
    )
    const covered = [`identity:${await alicesPseudonym(domainId)}`]
    expect(paths).toEqual([{ relation_path: covered }, { relation_path: covered }])
  })

  it('is listed with its reason, and after its release only on request and without the identity', async () => {
    const domainId = await peopled()
    const { id } = await place(domainId, { identityId: IDENTITY })
    expect(await listed(domainId)).toMatchObject([
      { id, covers: 'identity', identity_id: IDENTITY, reason: 'case 4711' },
    ])
    await release(id)
    expect(await listed(domainId)).toEqual([])
    const [released] = await listed(domainId, false)
    expect(released).toMatchObject({ id, covers: 'subject', release_reason: 'closed' })
    expect(JSON.stringify(released)).not.toContain(IDENTITY)
  })

  it('loses its reasons when it is released and the person is erased', async () => {
    const domainId = await peopled()
    const { id } = await place(domainId, ALICE, 'the tall one')
    await release(id)
    await erase(domainId)
    expect(await listed(domainId, false)).toMatchObject([{ id, reason: '', release_reason: '' }])
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['no reason', async () => place(await writer.create(), undefined, '  '), 'invalid_input'],
    ['1025 bytes', async () => place(await writer.create(), undefined, 'a'.repeat(1025)), 'invalid_input'],
    ['the subject as reason', async () => place(await writer.create(), ALICE, 'ask Alice'), 'invalid_input'],
    ['an unknown Domain', () => place(randomUUID()), 'domain_not_found'],
    ['the release of an unknown hold', () => release(999_999), 'hold_not_found'],
  ])('refuses %s', async (_what, run, code) => {
    expect(await codeOf(run())).toBe(code)
  })

  it('is released once, also by two concurrent calls', async () => {
    const domainId = await writer.create()
    const { id } = await place(domainId)
    const codes = await Promise.all([codeOf(release(id)), codeOf(release(id))])
    expect(codes.sort()).toEqual(['already_released', 'done'])
  })
})

describe('concurrent calls, in either order,', () => {
  const relations = async (domainId: string) =>
    (await storedRows(database.url, domainId)).map(({ relation }) => relation)

  it('run a hold and an erasure one after the other', async () => {
    const [early, late] = [await peopled(), await peopled()]
    expect(
      await inOrderOf(database.url, early, [
        () => place(early, ALICE),
        () => erase(early),
        () => erase(early),
      ]),
    ).toEqual(['done', 'legal_hold', 'legal_hold'])
    expect(await inOrderOf(database.url, late, [() => erase(late), () => place(late, ALICE)])).toEqual([
      'done',
      'done',
    ])
    expect(await count(early)).toEqual([2, 2])
    expect((await relations(early)).slice(3)).toEqual(['audit.hold-place'])
    expect(await count(late)).toEqual([1, 1])
    expect((await relations(late)).slice(3)).toEqual(['audit.erase-identity', 'audit.hold-place'])
  })

  it('run a hold and a purge one after the other', async () => {
    const old = () => oldChain(writer.database, writer.pepper, [{ subject: 'alice', daysAgo: 500 }])
    const [early, late] = [await old(), await old()]
    expect(await inOrderOf(database.url, early, [() => place(early), () => purge(early)])).toEqual([
      'done',
      'legal_hold',
    ])
    expect(await inOrderOf(database.url, late, [() => purge(late), () => place(late)])).toEqual([
      'done',
      'done',
    ])
    expect(await count(early)).toEqual([1, 1])
    expect((await relations(early)).slice(2)).toEqual(['audit.hold-place'])
    expect(await count(late)).toEqual([0, 0])
    expect((await relations(late)).slice(2)).toEqual(['audit.retention-purge', 'audit.hold-place'])
  })

  it('run a release and an erasure one after the other', async () => {
    const [early, late] = [await peopled(), await peopled()]
    const [one, other] = [await place(early, ALICE), await place(late, ALICE)]
    expect(await inOrderOf(database.url, early, [() => release(one.id), () => erase(early)])).toEqual([
      'done',
      'done',
    ])
    expect(await inOrderOf(database.url, late, [() => erase(late), () => release(other.id)])).toEqual([
      'legal_hold',
      'done',
    ])
    expect([await count(early), await count(late)]).toEqual([
      [1, 1],
      [2, 2],
    ])
  })
})
