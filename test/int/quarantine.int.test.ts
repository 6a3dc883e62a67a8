import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDomain } from '../../src/append/create-domain.js'
import { AuditError } from '../../src/base/errors.js'
import type { Finding, FindingCode } from '../../src/chain/finding.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { parseRecordId } from '../../src/cli/flags/record-id.js'
import { quarantineJson } from '../../src/json/quarantine-record.js'
import type { Pepper } from '../../src/ports/pepper.js'
import type { QuarantineRecord, QuarantineStore } from '../../src/ports/quarantine.js'
import { acknowledgeQuarantine, type ChosenRecords } from '../../src/quarantine/acknowledge.js'
import { findQuarantineRecord, recordFindings, streamQuarantine } from '../../src/quarantine/quarantine.js'
import { PostgresEntryStore } from '../../src/repo/append/append.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { Database } from '../../src/repo/session/database.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const OTHER = '018f0000-0000-7000-8000-000000000002'
const pepper: Pepper = { pepperOf: async () => new Uint8Array(32).fill(9) }

const FINDINGS: readonly Finding[] = [
  {
    code: 'entry_hash_mismatch',
    seqFrom: 3,
    seqTo: 3,
    expected: 'aa'.repeat(32),
    observed: 'bb'.repeat(32),
    detail: 'the row does not hash to its entry_hash',
  },
  { code: 'seq_gap', seqFrom: 5, seqTo: 9, expected: 'cc'.repeat(32), detail: '5 missing before row 10' },
  { code: 'chain_missing', seqFrom: 1, seqTo: 1, detail: '' },
]

let database: TestDatabase
let db: Database
let store: QuarantineStore

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  store = postgresQuarantine(db)
  for (const domainId of [DOMAIN, OTHER]) {
    await createDomain({ domainId, name: '', actor: 'operator:test' }, new PostgresEntryStore(db), pepper)
  }
})

beforeEach(() => asSuperuser(database.url, 'TRUNCATE audit_tamper_quarantine RESTART IDENTITY'))

afterAll(async () => {
  await db.close()
  await database.drop()
})

const ports = () => ({ store, pepper, actor: 'operator:test' })
const acknowledge = (chosen: number | ChosenRecords, reason: string, by = ports()) =>
  acknowledgeQuarantine(by, typeof chosen === 'number' ? { ids: [chosen] } : chosen, reason)
const all = () => records({ unacknowledgedOnly: false })

async function records(filter: Parameters<QuarantineStore['page']>[0]): Promise<QuarantineRecord[]> {
  const found: QuarantineRecord[] = []
  for await (const record of streamQuarantine(store, filter)) found.push(record)
  return found
}

/** Returns the objects of the acknowledgement rows on a chain. */
async function announced(domainId = DOMAIN): Promise<unknown[]> {
  const sql = `SELECT object FROM audit_log_entry
    WHERE domain_id = $1 AND relation = 'audit.quarantine-acknowledge' ORDER BY seq`
  return (await rowsOf(database.url, sql, [domainId])).map((row) => row.object)
}

describe('recordFindings', () => {
  it.each([
    [
      'a rule',
      'database_failed',
      'CREATE RULE drops AS ON INSERT TO audit_tamper_quarantine DO INSTEAD NOTHING',
      'DROP RULE drops ON audit_tamper_quarantine',
    ],
    [
      'a trigger that drops rows',
      'write_undone',
      `CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER drops BEFORE INSERT ON audit_tamper_quarantine FOR EACH ROW EXECUTE FUNCTION drops()`,
      'DROP FUNCTION drops CASCADE',
    ],
    [
      'a trigger that changes rows',
      'write_undone',
      `CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.code := ''seq_gap''; RETURN NEW; END';
       CREATE TRIGGER drops BEFORE INSERT ON audit_tamper_quarantine FOR EACH ROW EXECUTE FUNCTION drops()`,
      'DROP FUNCTION drops CASCADE',
    ],
  ])('rejects when %s keeps the findings out', async (_what, code, made, dropped) => {
    await asSuperuser(database.url, made)
    try {
      const recorded = recordFindings(store, DOMAIN, 'postgres', FINDINGS.slice(0, 1))
      await expect(recorded).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/Postgres kept 0 of 1 findings|RETURNING/),
      })
    } finally {
      await asSuperuser(database.url, dropped)
    }
  })

  it('writes each finding once, however often it is found', async () => {
    expect(await recordFindings(store, DOMAIN, 'postgres', FINDINGS)).toEqual({ written: 3, total: 3 })
    expect(await recordFindings(store, DOMAIN, 'postgres', FINDINGS)).toEqual({ written: 0, total: 3 })
    expect(await recordFindings(store, DOMAIN, 'postgres', FINDINGS.slice(0, 1))).toEqual({
      written: 0,
      total: 1,
    })
    expect((await all()).map((record) => record.id)).toEqual([1, 2, 3])
  })

  it('distinguishes findings by chain, copy, code, range and each hash', async () => {
    const finding: Finding = { code: 'broken_link', seqFrom: 2, seqTo: 2, detail: '' }
    const hash = 'aa'.repeat(32)
    await recordFindings(store, DOMAIN, 'postgres', [finding])
    await recordFindings(store, OTHER, 'postgres', [finding])
    await recordFindings(store, DOMAIN, 'mirror', [finding])
    await recordFindings(store, DOMAIN, 'postgres', [
      { ...finding, code: 'copies_differ' },
      { ...finding, seqTo: 3 },
      { ...finding, expected: hash },
      { ...finding, observed: hash },
      { ...finding, detail: 'another wording of the same' },
    ])
    expect(await all()).toHaveLength(7)
  })

  it('writes one record for rows that are lost, whichever copies a verify read', async () => {
    const hash = 'cc'.repeat(32)
    const gap: Finding = { code: 'seq_gap', seqFrom: 5, seqTo: 5, expected: hash, detail: '' }
    await recordFindings(store, DOMAIN, 'postgres', [gap])
    await recordFindings(store, DOMAIN, 'both', [{ ...gap, code: 'row_missing' }])
    expect((await all()).map(({ code, source }) => `${code} ${source}`)).toEqual(['seq_gap postgres'])
    await recordFindings(store, DOMAIN, 'mirror', [{ ...gap, code: 'object_missing' }])
    await recordFindings(store, DOMAIN, 'both', [{ ...gap, code: 'object_missing' }])
    await recordFindings(store, DOMAIN, 'mirror', [gap])
    expect(await all()).toHaveLength(2)
  })

  it('writes one record for an edit that PostgreSQL alone and both copies show', async () => {
    const [mismatch] = FINDINGS as readonly [Finding]
    await recordFindings(store, DOMAIN, 'postgres', [mismatch])
    await recordFindings(store, DOMAIN, 'both', [{ ...mismatch, copy: 'postgres', detail: 'Postgres: …' }])
    expect(await all()).toHaveLength(1)
    await recordFindings(store, DOMAIN, 'both', [{ ...mismatch, copy: 'both' }])
    expect(await all()).toHaveLength(2)
  })

  /** Removes the fingerprints, as a version that stored none left its records. */
  const asOld = () =>
    asSuperuser(
      database.url,
      `ALTER TABLE audit_tamper_quarantine DISABLE TRIGGER USER;
       UPDATE audit_tamper_quarantine SET fingerprint = NULL;
       ALTER TABLE audit_tamper_quarantine ENABLE TRIGGER USER`,
    )

  const HASHES = { expected: 'aa'.repeat(32), observed: 'bb'.repeat(32), detail: '' }
  const row = (code: FindingCode, seqTo = 3): Finding => ({ code, seqFrom: 3, seqTo, ...HASHES, rows: 'x' })

  it.each<[string, number, readonly Finding[]]>([
    ['an edited row', 0, [row('entry_hash_mismatch')]],
    [
      'an edited row, with other findings',
      0,
      [row('entry_hash_mismatch'), { ...row('seq_gap'), rows: undefined }],
    ],
    ['a lost row', 0, [{ code: 'row_missing', seqFrom: 3, seqTo: 3, expected: HASHES.expected, detail: '' }]],
    ['a lost chain', 0, [{ code: 'chain_missing', seqFrom: 1, seqTo: 1, detail: '' }]],
    ['a head', 0, [{ code: 'head_mismatch', seqFrom: 3, seqTo: 3, ...HASHES }]],
    ['several edited rows', 1, [row('entry_hash_mismatch', 4)]],
    ['several lost rows', 1, [{ code: 'seq_gap', seqFrom: 3, seqTo: 4, detail: '' }]],
    ['a malformed row', 1, [row('malformed_row')]],
    ['a row with another prev_hash', 1, [row('broken_link')]],
    ['a malformed object', 1, [row('object_malformed')]],
    ['copies that differ', 1, [row('copies_differ')]],
    ['edited rows with one seq', 2, [row('entry_hash_mismatch'), row('duplicate_seq')]],
  ])(
    'records findings of old records without a fingerprint anew: %s, %i',
    async (_what, written, findings) => {
      await recordFindings(store, DOMAIN, 'postgres', findings)
      await asOld()
      const total = findings.length
      expect(await recordFindings(store, DOMAIN, 'postgres', findings)).toEqual({ written, total })
      expect(await recordFindings(store, DOMAIN, 'postgres', findings)).toEqual({ written: 0, total })
    },
  )

  it('writes each finding once when twenty calls run at once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => recordFindings(store, DOMAIN, 'postgres', FINDINGS)),
    )
    const written = outcomes.map((outcome) => (outcome === 'not_permitted' ? 0 : outcome.written))
    expect(written.reduce((a, b) => a + b)).toBe(3)
    expect(await all()).toHaveLength(3)
  })

  it('writes more findings than fit into one statement, and forced seqs', async () => {
    const many = Array.from({ length: 4_500 }, (_, index): Finding => {
      return { code: 'entry_hash_mismatch', seqFrom: index + 1, seqTo: index + 1, detail: '' }
    })
    const forced: readonly Finding[] = [
      { code: 'malformed_row', seqFrom: 2 ** 63, seqTo: 2 ** 63, detail: '' },
      { code: 'malformed_row', seqFrom: -(2 ** 63), seqTo: 0, detail: '' },
    ]
    expect(await recordFindings(store, DOMAIN, 'postgres', [...many, ...forced])).toEqual({
      written: 4_502,
      total: 4_502,
    })
    expect(await all()).toHaveLength(4_502)
  })

  it('makes no query without findings', async () => {
    const nowhere = postgresQuarantine(new Database('postgresql:///audit?host=/nonexistent'))
    expect(await recordFindings(nowhere, DOMAIN, 'postgres', [])).toEqual({ written: 0, total: 0 })
    await expect(recordFindings(nowhere, DOMAIN, 'postgres', FINDINGS)).rejects.toMatchObject({
      code: 'database_unavailable',
    })
  })

  it.each([
    ['a role that may only read', 'role=audit_reader'],
    ['a read-only server', 'default_transaction_read_only=on'],
  ])('does not permit %s, who can still list', async (_name, option) => {
    const url = `${database.url}&options=${encodeURIComponent(`-c ${option}`)}`
    const reading = new Database(url)
    const readOnly = postgresQuarantine(reading)
    expect(await recordFindings(readOnly, DOMAIN, 'postgres', FINDINGS)).toBe('not_permitted')
    expect(await readOnly.page({ unacknowledgedOnly: true }, { after: 0, limit: 1 })).toEqual([])
    await reading.close()
  })
})

describe('streamQuarantine and findQuarantineRecord', () => {
  beforeEach(async () => {
    await recordFindings(store, DOMAIN, 'postgres', FINDINGS)
    await recordFindings(store, OTHER, 'mirror', FINDINGS.slice(0, 1))
  })

  it('filter by chain and by acknowledgement', async () => {
    await acknowledge(1, 'restored')
    const ids = async (filter: Parameters<typeof records>[0]) => (await records(filter)).map(({ id }) => id)
    expect(await ids({ unacknowledgedOnly: false })).toEqual([1, 2, 3, 4])
    expect(await ids({ unacknowledgedOnly: true })).toEqual([2, 3, 4])
    expect(await ids({ domainId: DOMAIN, unacknowledgedOnly: false })).toEqual([1, 2, 3])
    expect(await ids({ domainId: DOMAIN, unacknowledgedOnly: true })).toEqual([2, 3])
    expect(await ids({ domainId: PLATFORM_ANCHOR, unacknowledgedOnly: false })).toEqual([])
  })

  it('give records whose JSON has both hashes or none', async () => {
    const [first, second, third] = (await all()).map(quarantineJson)
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(first).toEqual({
      id: 1,
      domain_id: DOMAIN,
      divergent_seq: 3,
      code: 'entry_hash_mismatch',
      seq_from: 3,
      seq_to: 3,
      expected_hash: 'aa'.repeat(32),
      observed_hash: 'bb'.repeat(32),
      source: 'postgres',
      detail: 'the row does not hash to its entry_hash',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      detected_at: time,
    })
    expect(second).toMatchObject({ divergent_seq: 5, seq_from: 5, seq_to: 9 })
    expect(second).not.toHaveProperty('observed_hash')
    expect(Object.keys(third ?? {})).not.toEqual(expect.arrayContaining(['expected_hash']))
  })

  it('return one record, or reject for an unknown id', async () => {
    expect(await findQuarantineRecord(store, 4)).toMatchObject({ id: 4, domainId: OTHER, source: 'mirror' })
    await expect(findQuarantineRecord(store, 5)).rejects.toMatchObject({ code: 'quarantine_not_found' })
  })

  it.each(['0', '-1', 'x', '', '1.5', '9007199254740993'])('refuse the id %j', (text) => {
    expect(() => parseRecordId('quarantine record', text)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

describe('acknowledgeQuarantine', () => {
  beforeEach(async () => {
    await asSuperuser(
      database.url,
      `DELETE FROM audit_log_entry WHERE relation = 'audit.quarantine-acknowledge';
       UPDATE audit_log_chain_head h SET (next_seq, head_hash) = (
         SELECT seq + 1, entry_hash FROM audit_log_entry e WHERE e.domain_id = h.domain_id ORDER BY seq DESC LIMIT 1)`,
    )
    await recordFindings(store, DOMAIN, 'postgres', FINDINGS)
  })

  it('stamps the record and appends a row about the actor', async () => {
    const [record] = (await acknowledge(2, 'rows restored from the mirror')) as [QuarantineRecord]
    expect(quarantineJson(record)).toMatchObject({
      id: 2,
      acknowledged_at: expect.any(String),
      acknowledge_reason: 'rows restored from the mirror',
    })
    expect(await announced()).toEqual(['quarantine:2'])
    expect(await findQuarantineRecord(store, 2)).toEqual(record)
  })

  it('refuses the second call for a record and appends nothing', async () => {
    await acknowledge(1, 'first')
    await expect(acknowledge(1, 'second')).rejects.toMatchObject({
      code: 'already_acknowledged',
    })
    expect(await announced()).toEqual(['quarantine:1'])
    expect(await findQuarantineRecord(store, 1)).toMatchObject({ acknowledgeReason: 'first' })
  })

  it('lets one of two concurrent calls succeed, with one row', async () => {
    const outcomes = await Promise.allSettled([acknowledge(1, 'a'), acknowledge(1, 'b')])
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await announced()).toEqual(['quarantine:1'])
  })

  it('leaves the record open if the row cannot be appended, and succeeds on retry', async () => {
    const failing: Pepper = {
      pepperOf: async () => {
        throw new AuditError('pepper_unavailable', 'gone')
      },
    }
    await expect(acknowledge(1, 'x', { ...ports(), pepper: failing })).rejects.toMatchObject({
      code: 'pepper_unavailable',
    })
    expect(await findQuarantineRecord(store, 1)).not.toHaveProperty('acknowledgedAt', expect.anything())
    await acknowledge(1, 'x')
    expect(await announced()).toEqual(['quarantine:1'])
  })

  const open = async () => (await records({ unacknowledgedOnly: true })).map(({ id }) => id)

  it.each<[string, ChosenRecords, number[]]>([
    ['several ids, each once', { ids: [3, 1, 3] }, [1, 3]],
    ['the open records of a chain up to an id', { upTo: 2, domainId: DOMAIN }, [1, 2]],
    ['the open records of all chains up to an id', { upTo: 4 }, [1, 2, 3, 4]],
    ['only the records of the chain', { upTo: 5, domainId: OTHER }, [4, 5]],
  ])('acknowledges %s, with a row for each', async (_name, chosen, ids) => {
    await recordFindings(store, OTHER, 'mirror', FINDINGS.slice(0, 2))
    const done = await acknowledge(chosen, 'seen')
    expect(done.map(({ id, acknowledgeReason }) => [id, acknowledgeReason])).toEqual(
      ids.map((id) => [id, 'seen']),
    )
    expect([...(await announced()), ...(await announced(OTHER))]).toEqual(ids.map((id) => `quarantine:${id}`))
    expect(await open()).toEqual([1, 2, 3, 4, 5].filter((id) => !ids.includes(id)))
  })

  it.each<[string, ChosenRecords, string, string]>([
    ['an unknown id', { ids: [1, 2, 77, 99] }, 'quarantine_not_found', 'no quarantine record has id 77, 99;'],
    ['an id that was acknowledged before', { ids: [1, 2, 3] }, 'already_acknowledged', 'record 3 is already'],
    [
      'an unknown id and one that was acknowledged before',
      { ids: [3, 99] },
      'quarantine_not_found',
      'id 99;',
    ],
    ['an id up to which no record goes', { upTo: 99 }, 'quarantine_not_found', 'has id 99;'],
    [
      'an id of another chain',
      { upTo: 2, domainId: OTHER },
      'quarantine_not_found',
      `of chain ${OTHER}: it is a record of chain ${DOMAIN}`,
    ],
  ])('acknowledges nothing with %s', async (_name, chosen, code, message) => {
    await acknowledge(3, 'before')
    await expect(acknowledge(chosen, 'x')).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
    expect(await open()).toEqual([1, 2])
    expect(await announced()).toEqual(['quarantine:3'])
  })

  it('refuses --up-to an id where every record is acknowledged', async () => {
    await acknowledge({ upTo: 2 }, 'x')
    await expect(acknowledge({ upTo: 2 }, 'x')).rejects.toMatchObject({ code: 'already_acknowledged' })
    expect(await open()).toEqual([3])
  })

  it('refuses more records than one step may have', async () => {
    const ids = Array.from({ length: 10_001 }, (_, index) => index + 1)
    await expect(acknowledge({ ids }, 'x')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('lets one of two concurrent calls with overlapping records succeed', async () => {
    const calls = [acknowledge({ ids: [1, 2] }, 'a'), acknowledge({ ids: [2, 3] }, 'b')]
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await announced()).toHaveLength(2)
    expect(await open()).toHaveLength(1)
  })

  it('works for the role that appends', async () => {
    const writing = new Database(`${database.url}&options=${encodeURIComponent('-c role=audit_writer')}`)
    await acknowledge(1, 'x', { ...ports(), store: postgresQuarantine(writing) })
    expect(await announced()).toEqual(['quarantine:1'])
    await writing.close()
  })

  it('appends nothing for an unknown id', async () => {
    await expect(acknowledge(99, 'x')).rejects.toMatchObject({
      code: 'quarantine_not_found',
    })
    expect(await announced()).toEqual([])
  })

  it.each([
    ['empty', ''],
    ['blank', ' \n'],
    ['too long', 'ü'.repeat(513)],
    ['U+0000', 'a\0'],
    ['a lone surrogate', '\ud800'],
  ])('refuses a reason that is %s, and changes nothing', async (_name, reason) => {
    await expect(acknowledge(1, reason)).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(await records({ unacknowledgedOnly: true })).toHaveLength(3)
    expect(await announced()).toEqual([])
  })

  it('accepts a reason of 1024 bytes', async () => {
    const reason = 'ü'.repeat(512)
    expect(await acknowledge(1, reason)).toMatchObject([{ acknowledgeReason: reason }])
  })

  it.each([
    [
      'registry entry, head and rows are gone',
      `DELETE FROM audit_domain WHERE domain_id = '${OTHER}';
      DELETE FROM audit_log_entry WHERE domain_id = '${OTHER}';
      DELETE FROM audit_log_chain_head WHERE domain_id = '${OTHER}'`,
    ],
    ['the genesis row is gone', `DELETE FROM audit_log_entry WHERE domain_id = '${OTHER}' AND seq = 1`],
    ['the head is gone', `DELETE FROM audit_log_chain_head WHERE domain_id = '${OTHER}'`],
    [
      'the last row is gone',
      `DELETE FROM audit_log_entry e WHERE domain_id = '${OTHER}'
         AND seq = (SELECT next_seq - 1 FROM audit_log_chain_head h WHERE h.domain_id = e.domain_id)`,
    ],
  ])('appends the row to the platform chain if %s', async (_name, attack) => {
    await recordFindings(store, OTHER, 'postgres', FINDINGS.slice(2))
    await asSuperuser(database.url, async (client) => {
      await client.query(
        `CREATE TEMP TABLE d AS SELECT * FROM audit_domain WHERE domain_id = '${OTHER}';
         CREATE TEMP TABLE e AS SELECT * FROM audit_log_entry WHERE domain_id = '${OTHER}';
         CREATE TEMP TABLE h AS SELECT * FROM audit_log_chain_head WHERE domain_id = '${OTHER}'`,
      )
      await client.query(attack)
      await acknowledge({ ids: [1, 4] }, 'seen').finally(() =>
        client.query(
          `INSERT INTO audit_domain SELECT * FROM d ON CONFLICT DO NOTHING;
           INSERT INTO audit_log_entry SELECT * FROM e ON CONFLICT DO NOTHING;
           INSERT INTO audit_log_chain_head SELECT * FROM h ON CONFLICT DO NOTHING`,
        ),
      )
    })
    expect(await announced(PLATFORM_ANCHOR)).toEqual(['quarantine:4'])
    expect([await announced(), await announced(OTHER)]).toEqual([['quarantine:1'], []])
  })

  it('changes nothing on any chain with the wrong pepper', async () => {
    const wrong: Pepper = { pepperOf: async () => new Uint8Array(32) }
    await expect(acknowledge(1, 'x', { ...ports(), pepper: wrong })).rejects.toMatchObject({
      code: 'pepper_mismatch',
    })
    expect([await announced(), await announced(PLATFORM_ANCHOR)]).toEqual([[], []])
    expect(await records({ unacknowledgedOnly: true })).toHaveLength(3)
  })
})
