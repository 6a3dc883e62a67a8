import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placeHold } from '../../src/erasure/hold.js'
import type { Person } from '../../src/erasure/person.js'
import { applyRetention, previewPurge } from '../../src/erasure/purge.js'
import { DEFAULT_POLICY, setRetention, showRetention } from '../../src/erasure/retention.js'
import { postgresHoldStore } from '../../src/repo/erasure/holds.js'
import { postgresRetentionStore } from '../../src/repo/erasure/retention.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { ACTOR, allFindings, storedRows, Writer } from '../support/append-chains.js'
import { type OldRow, oldChain } from '../support/old-chain.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let writer: Writer
/** The chains whose rows a test edits. */
const attacked: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
})

afterAll(async () => {
  const findings = await allFindings(writer)
  expect(findings.filter(({ domainId }) => !attacked.includes(domainId))).toEqual([])
  await writer.close()
  await database.drop()
})

const ports = () => ({
  store: postgresRetentionStore(writer.database, DEFAULT_POLICY),
  pepper: writer.pepper,
})
const apply = (domainId: string, batch?: number) =>
  applyRetention(ports(), { domainId, actor: ACTOR }, new AbortController().signal, batch)
const preview = (domainId: string) => previewPurge(ports().store, domainId)
const show = (domainId: string) => showRetention(ports().store, domainId)
const old = (...rows: OldRow[]) => oldChain(writer.database, writer.pepper, rows)
const hold = (domainId: string, person?: Person) =>
  placeHold(
    { store: postgresHoldStore(writer.database), pepper: writer.pepper },
    { domainId, person, reason: 'case', actor: ACTOR },
  )

async function contexts(domainId: string) {
  const rows = await rowsOf(
    database.url,
    'SELECT seq::int FROM audit_entry_context WHERE domain_id = $1 ORDER BY 1',
    [domainId],
  )
  return rows.map(({ seq }) => seq)
}

/** Stores why the subject of a row was identified, as if the row `at` recorded it. */
async function identified(domainId: string, of: number, at: number) {
  await asSuperuser(
    database.url,
    `INSERT INTO audit_identity_reveal (domain_id, seq, subject_pseudonym, reason)
     SELECT domain_id, ${at}, subject_pseudonym, 'Alice A. asked' FROM audit_log_entry
     WHERE domain_id = '${domainId}' AND seq = ${of}`,
  )
}

async function reveals(domainId: string) {
  const rows = await rowsOf(
    database.url,
    'SELECT seq::int FROM audit_identity_reveal WHERE domain_id = $1 ORDER BY 1',
    [domainId],
  )
  return rows.map(({ seq }) => seq)
}

async function mappings(domainId: string) {
  const rows = await rowsOf(database.url, 'SELECT FROM audit_subject_pii WHERE domain_id = $1', [domainId])
  return rows.length
}

const YEARS = 365.25
const OLD: OldRow[] = [
  { subject: 'alice', daysAgo: 8 * YEARS },
  { subject: 'alice', daysAgo: 366 },
  { subject: 'bob', daysAgo: 366 },
  { subject: 'bob', daysAgo: 364 },
  { subject: 'carol', daysAgo: 1 },
].map((row) => ({ ...row, daysAgo: Math.round(row.daysAgo) }))

describe('a policy', () => {
  it('is 7 years and 365 days by default', async () => {
    const domainId = await writer.create()
    expect(await show(domainId)).toMatchObject({
      policy: { chainYears: 7, personalDays: 365 },
      isDefault: true,
      rowsBeyondFloor: 0,
      mappings: 0,
      contexts: 0,
    })
  })

  it('is recorded on its chain when it is set, and keeps the values that are not given', async () => {
    const domainId = await writer.create()
    await setRetention(ports(), { domainId, actor: ACTOR }, { personalDays: 90 })
    const set = await setRetention(ports(), { domainId, actor: ACTOR }, { chainYears: 10 })
    expect(set).toMatchObject({ policy: { chainYears: 10, personalDays: 90 }, isDefault: false })
    const [row] = await rowsOf(
      database.url,
      'SELECT relation, object, relation_path FROM audit_log_entry WHERE domain_id = $1 AND seq = 3',
      [domainId],
    )
    expect(row).toEqual({
      relation: 'audit.retention-set',
      object: `domain:${domainId}`,
      relation_path: ['chain_years:10', 'personal_days:90'],
    })
  })

  it.each([
    { chainYears: 6 },
    { chainYears: 101 },
    { personalDays: 0 },
    { personalDays: 36_501 },
    { personalDays: 1.5 },
  ])('refuses %j', async (change) => {
    const domainId = await writer.create()
    await expect(setRetention(ports(), { domainId, actor: ACTOR }, change)).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(await show(domainId)).toMatchObject({ isDefault: true })
  })

  it('counts rows past the floor, and no purge deletes them', async () => {
    const domainId = await old(...OLD)
    const before = await storedRows(database.url, domainId)
    expect(await show(domainId)).toMatchObject({
      rowsBeyondFloor: 2,
      mappings: 1,
      contexts: 3,
    })
    await apply(domainId)
    expect((await storedRows(database.url, domainId)).slice(0, -1)).toEqual(before)
  })
})

describe('a purge', () => {
  it('deletes contexts by the age of their row and mappings by their last use', async () => {
    const domainId = await old(...OLD)
    expect(await preview(domainId)).toMatchObject({ dryRun: true, mappings: 1, contexts: 3, auditRows: [] })
    expect(await contexts(domainId)).toHaveLength(5)
    const purged = await apply(domainId)
    expect(purged).toMatchObject({ dryRun: false, mappings: 1, contexts: 3, auditRows: [{ seq: 7 }] })
    expect(await contexts(domainId)).toEqual([5, 6])
    expect(await mappings(domainId)).toBe(2)
    const [row] = await rowsOf(
      database.url,
      'SELECT relation, relation_path FROM audit_log_entry WHERE domain_id = $1 AND seq = 7',
      [domainId],
    )
    expect(row).toEqual({
      relation: 'audit.retention-purge',
      relation_path: ['mappings:1', 'contexts:3', expect.stringMatching(/^before:\d{4}-.*Z$/)],
    })
  })

  it('writes nothing when nothing is due', async () => {
    const domainId = await old({ subject: 'alice', daysAgo: 364 })
    expect(await apply(domainId)).toMatchObject({ mappings: 0, contexts: 0, auditRows: [] })
    expect(await storedRows(database.url, domainId)).toHaveLength(2)
  })

  it('follows the policy that was set', async () => {
    const domainId = await old({ subject: 'alice', daysAgo: 40 })
    await setRetention(ports(), { domainId, actor: ACTOR }, { personalDays: 30 })
    expect(await apply(domainId)).toMatchObject({ mappings: 1, contexts: 1 })
  })

  it.each([1, 2, 3, 4, 100])('deletes the same in batches of %i, each with its row', async (batch) => {
    const domainId = await old(
      ...Array.from({ length: 9 }, (_, i) => ({ subject: `s${i % 3}`, daysAgo: 500 - i })),
      { subject: 'young', daysAgo: 2 },
    )
    const purged = await apply(domainId, batch)
    expect(purged).toMatchObject({ mappings: 3, contexts: 9 })
    expect(purged.auditRows).toHaveLength(Math.ceil(9 / batch))
    expect(await contexts(domainId)).toEqual([11])
    const auditRows = await rowsOf(
      database.url,
      `SELECT sum(substr(relation_path[1], 10)::int)::int AS mappings, sum(substr(relation_path[2], 10)::int)::int AS contexts
       FROM audit_log_entry WHERE domain_id = $1 AND relation = 'audit.retention-purge'`,
      [domainId],
    )
    expect(auditRows).toEqual([{ mappings: 3, contexts: 9 }])
  })

  it('skips and counts data under a hold on a person, also over many batches', async () => {
    const domainId = await old(
      ...Array.from({ length: 8 }, (_, i) => ({ subject: i < 4 ? 'held' : 'free', daysAgo: 500 - i })),
    )
    await hold(domainId, { subjectId: 'held' })
    const held = { mappings: 1, contexts: 4 }
    expect(await preview(domainId)).toMatchObject({ mappings: 1, contexts: 4, held })
    expect(await apply(domainId, 2)).toMatchObject({ mappings: 1, contexts: 4, held })
    expect(await contexts(domainId)).toEqual([2, 3, 4, 5])
  })

  it('is refused for a chain on hold', async () => {
    const domainId = await old(...OLD)
    const {
      hold: { id },
    } = await hold(domainId)
    expect(await preview(domainId)).toMatchObject({
      mappings: 0,
      contexts: 0,
      held: { mappings: 1, contexts: 3 },
      chainHolds: [id],
    })
    await expect(apply(domainId)).rejects.toMatchObject({ code: 'legal_hold' })
    expect(await contexts(domainId)).toHaveLength(5)
  })

  it('deletes everything once in two concurrent calls', async () => {
    const domainId = await old(
      ...Array.from({ length: 20 }, (_, i) => ({ subject: `s${i}`, daysAgo: 500 - i })),
    )
    const both = await Promise.all([apply(domainId, 3), apply(domainId, 3)])
    expect(both[0].contexts + both[1].contexts).toBe(20)
    expect(both[0].mappings + both[1].mappings).toBe(20)
  })

  interface Attack {
    readonly title: string
    /** The ages of the rows from row 2 on, in days. */
    readonly ages: readonly number[]
    readonly edited: number
    /** How many days later the edited row is. */
    readonly days: number
    readonly deleted?: number
    /** The rows whose contexts stay. */
    readonly left: readonly number[]
  }

  const FOUR = [500, 400, 20, 10]
  const OLD_ONLY = [500, 490, 480, 470, 460, 450, 440, 430]

  const ATTACKS: readonly Attack[] = [
    { title: 'a young row is set back', ages: FOUR, edited: 5, days: -1000, left: [4, 5] },
    { title: 'the first young row is set back', ages: FOUR, edited: 4, days: -1000, left: [4, 5] },
    { title: 'a due row is set forward', ages: FOUR, edited: 2, days: 1000, left: [2, 4, 5] },
    { title: 'the last due row is set forward', ages: FOUR, edited: 3, days: 1000, left: [3, 4, 5] },
    {
      title: 'the row before the last due row is younger',
      ages: FOUR,
      edited: 2,
      days: 485,
      left: [2, 4, 5],
    },
    { title: 'a due row among due rows is young', ages: OLD_ONLY, edited: 5, days: 469, left: [5] },
    { title: 'a due row is set to just before the limit', ages: OLD_ONLY, edited: 3, days: 124, left: [] },
    {
      title: 'a young row is missing, and the row behind it is set back',
      ages: [500, 400, 20, 15, 10, 5],
      deleted: 5,
      edited: 6,
      days: -1000,
      left: [4, 5, 6, 7],
    },
    {
      title: 'the first young row is missing, and the row behind it is set back',
      ages: [500, 20, 19, 18, 17, 16, 15],
      deleted: 3,
      edited: 4,
      days: -1000,
      left: [3, 4, 5, 6, 7, 8],
    },
    {
      title: 'the first young row is missing, and the row behind it is just before the limit',
      ages: [500, 20, 19, 18, 17, 16, 15],
      deleted: 3,
      edited: 4,
      days: -381,
      left: [3, 5, 6, 7, 8],
    },
    {
      title: 'the first young row is missing, and the row before it is set back',
      ages: [500, 400, 20, 15],
      deleted: 4,
      edited: 3,
      days: -1000,
      left: [3, 4, 5],
    },
    {
      title: 'a due row among due rows is missing',
      ages: OLD_ONLY,
      deleted: 4,
      edited: 9,
      days: 0,
      left: [],
    },
  ]

  it.each(ATTACKS)('goes by the row of each context where $title', async (attack) => {
    const domainId = await old(...attack.ages.map((daysAgo, i) => ({ subject: `s${i}`, daysAgo })))
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET recorded_at = recorded_at + interval '${attack.days} days'
         WHERE domain_id = '${domainId}' AND seq = ${attack.edited};
       DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq = ${attack.deleted ?? 0}`,
    )
    const due = attack.ages.length - attack.left.length
    expect(await preview(domainId)).toMatchObject({ contexts: due })
    expect(await apply(domainId, 2)).toMatchObject({ contexts: due })
    expect(await contexts(domainId)).toEqual(attack.left)
    const { fold } = await new PostgresSource(writer.database).scan(
      { domainId, fromSeq: 1, pins: [] },
      () => undefined,
      new AbortController().signal,
    )
    await postgresQuarantine(writer.database).record(domainId, 'postgres', fold.findings)
    expect(await apply(domainId)).toMatchObject({ contexts: 0 })
    expect(await contexts(domainId)).toEqual(attack.left)
    attacked.push(domainId)
  })
})

describe('the reasons for which people were identified', () => {
  /** Rows 2 and 3 are of alice, who is due; 4 and 5 of bob, who is not; 6 is of carol. */
  async function chainWithReasons() {
    const domainId = await old(...OLD)
    for (const [of, at] of [
      [2, 5],
      [2, 6],
      [4, 2],
      [6, 3],
    ] as const)
      await identified(domainId, of, at)
    return domainId
  }

  it.each([1, 2, 100])('go with the mapping of their person, in batches of %i', async (batch) => {
    const domainId = await chainWithReasons()
    expect(await preview(domainId)).toMatchObject({ reveals: 2 })
    const purged = await apply(domainId, batch)
    expect(purged).toMatchObject({ mappings: 1, contexts: 3, reveals: 2 })
    expect(await reveals(domainId)).toEqual([2, 3])
    expect(await apply(domainId, batch)).toMatchObject({ reveals: 0, auditRows: [] })
    const paths = await rowsOf(
      database.url,
      `SELECT relation_path[3] AS step FROM audit_log_entry
       WHERE domain_id = $1 AND relation_path[3] LIKE 'reveals:%'`,
      [domainId],
    )
    expect(paths).toEqual([{ step: 'reveals:2' }])
  })

  it('go by their own age where their person has no mapping, and a row records it', async () => {
    const domainId = await chainWithReasons()
    await asSuperuser(database.url, `DELETE FROM audit_subject_pii WHERE domain_id = '${domainId}'`)
    await asSuperuser(database.url, `DELETE FROM audit_entry_context WHERE domain_id = '${domainId}'`)
    expect(await preview(domainId)).toMatchObject({ mappings: 0, contexts: 0, reveals: 2 })
    const purged = await apply(domainId, 1)
    expect(purged).toMatchObject({ mappings: 0, contexts: 0, reveals: 2 })
    expect(purged.auditRows).toHaveLength(2)
    expect(await reveals(domainId)).toEqual([5, 6])
  })

  it('stay with a person on hold', async () => {
    const domainId = await chainWithReasons()
    await hold(domainId, { subjectId: 'alice' })
    expect(await preview(domainId)).toMatchObject({ reveals: 0 })
    expect(await apply(domainId)).toMatchObject({ mappings: 0, reveals: 0 })
    expect(await reveals(domainId)).toEqual([2, 3, 5, 6])
  })

  it('make the purge fail where a trigger withholds their deletion', async () => {
    const domainId = await chainWithReasons()
    await asSuperuser(
      database.url,
      `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER keep BEFORE DELETE ON audit_identity_reveal FOR EACH ROW EXECUTE FUNCTION keep()`,
    )
    await expect(apply(domainId)).rejects.toMatchObject({ code: 'write_undone' })
    await asSuperuser(database.url, 'DROP FUNCTION keep CASCADE')
    expect([await mappings(domainId), await reveals(domainId)]).toEqual([3, [2, 3, 5, 6]])
  })
})
