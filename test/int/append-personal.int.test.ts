import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entryFor, Writer } from '../support/append-chains.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

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

const WHO = {
  plaintext: 'Alice A.',
  email_claim: 'alice@example.org',
  source_ip: '192.0.2.1',
  idp_claim_names: ['sub', 'e"m\\ail'],
}

const NO_DATA = {
  identity_id: null,
  subject_plaintext: null,
  email_claim: null,
  source_ip: null,
  idp_claim_names: [],
}

const ALICE = {
  identity_id: null,
  subject_plaintext: 'Alice A.',
  email_claim: 'alice@example.org',
  source_ip: '192.0.2.1',
  idp_claim_names: ['sub', 'e"m\\ail'],
}

function subjects(domainId: string) {
  return rowsOf(
    database.url,
    `SELECT identity_id, subject_plaintext, email_claim, host(source_ip) AS source_ip, idp_claim_names
     FROM audit_subject_pii WHERE domain_id = $1`,
    [domainId],
  )
}

/** Records the given subjects one by one or as one group. Returns what is stored about them. */
async function recorded(apart: boolean, all: readonly (Record<string, unknown> | undefined)[]) {
  const domainId = await writer.create()
  const entries = all.map((subject) => entryFor(domainId, subject === undefined ? {} : { subject }))
  if (apart) for (const entry of entries) await writer.sink.record(entry)
  else await writer.sink.recordGroup(entries, 'stop')
  return subjects(domainId)
}

describe.each([
  ['in one group', false],
  ['one after the other', true],
])('personal data of a subject, recorded %s', (_how, apart) => {
  it.each<[string, readonly (Record<string, unknown> | undefined)[], Record<string, unknown>[]]>([
    ['is not stored where no entry has any', [undefined, undefined], []],
    ['is stored', [WHO], [ALICE]],
    ['is kept where an entry has no subject', [WHO, undefined], [ALICE]],
    ['is kept where an entry has an empty subject', [WHO, {}], [ALICE]],
    ['is replaced field by field', [WHO, { plaintext: 'A.' }], [{ ...ALICE, subject_plaintext: 'A.' }]],
    ['keeps its claims where an entry has none', [WHO, { idp_claim_names: [] }], [ALICE]],
    [
      'has its claims replaced by new claims',
      [WHO, { idp_claim_names: ['x'] }],
      [{ ...ALICE, idp_claim_names: ['x'] }],
    ],
    [
      'is merged from several entries',
      [{ plaintext: 'Alice A.' }, { source_ip: '192.0.2.1' }],
      [{ ...NO_DATA, subject_plaintext: 'Alice A.', source_ip: '192.0.2.1' }],
    ],
  ])('%s', async (_what, given, known) => {
    expect(await recorded(apart, given)).toEqual(known)
  })
})

describe('the identity of a subject', () => {
  const IDENTITY = '018F0000-0000-7000-8000-00000000AAAA'

  it('is the subject_id where that is a UUID, in upper or lower case', async () => {
    const domainId = await writer.create()
    await writer.record(domainId, { subject_id: IDENTITY, subject: { plaintext: 'x' } })
    await writer.record(domainId, { subject_id: IDENTITY.toLowerCase() })
    expect(await subjects(domainId)).toEqual([
      { ...NO_DATA, identity_id: IDENTITY.toLowerCase(), subject_plaintext: 'x' },
    ])
  })

  it('may be given for a subject_id that is not a UUID', async () => {
    const domainId = await writer.create()
    await writer.sink.record({ ...entryFor(domainId), subject: { identityId: IDENTITY.toLowerCase() } })
    expect(await subjects(domainId)).toEqual([{ ...NO_DATA, identity_id: IDENTITY.toLowerCase() }])
  })
})

describe('the times of a subject', () => {
  it('are the times of its first and last row', async () => {
    const domainId = await writer.create()
    for (let i = 0; i < 3; i += 1) await writer.record(domainId, { subject: { plaintext: 'x' } })
    const [times] = await rowsOf(
      database.url,
      `SELECT first_seen_at = (SELECT recorded_at FROM audit_log_entry e WHERE e.domain_id = p.domain_id AND seq = 2) AS first,
         last_seen_at = (SELECT recorded_at FROM audit_log_entry e WHERE e.domain_id = p.domain_id AND seq = 4) AS last
       FROM audit_subject_pii p WHERE domain_id = $1`,
      [domainId],
    )
    expect(times).toEqual({ first: true, last: true })
  })
})

describe('the context of a row', () => {
  const contexts = (domainId: string) =>
    rowsOf(
      database.url,
      `SELECT seq::int, host(ip) AS ip, user_agent, metadata::text AS metadata
       FROM audit_entry_context WHERE domain_id = $1 ORDER BY seq`,
      [domainId],
    )

  it('is stored unchanged for the rows that have one', async () => {
    const domainId = await writer.create()
    const context = {
      ip: '2001:db8::1',
      user_agent: 'curl/8 "é\\" \u202e',
      metadata: { b: [1, 'ü'], a: null },
    }
    await writer.sink.recordGroup(
      [entryFor(domainId), entryFor(domainId, { context }), entryFor(domainId, { context: {} })],
      'stop',
    )
    expect(await contexts(domainId)).toEqual([
      { seq: 3, ip: '2001:db8::1', user_agent: context.user_agent, metadata: '{"b":[1,"ü"],"a":null}' },
      { seq: 4, ip: null, user_agent: null, metadata: null },
    ])
  })

  it('may hold metadata that jsonb would print longer than the limit', async () => {
    const domainId = await writer.create()
    const metadata = { list: Array.from({ length: 4000 }, () => 'a') }
    await writer.record(domainId, { context: { metadata } })
    const [row] = await contexts(domainId)
    expect(JSON.parse(String(row?.metadata))).toEqual(metadata)
  })

  it('is stored on each chain of an entry with several chains', async () => {
    const ids = [await writer.create(), await writer.create()]
    await writer.record(ids, { context: { ip: '192.0.2.9' }, subject: { plaintext: 'x' } })
    for (const id of ids) {
      expect(await contexts(id)).toMatchObject([{ seq: 2, ip: '192.0.2.9' }])
      expect(await subjects(id)).toHaveLength(1)
    }
  })
})
