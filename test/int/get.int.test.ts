import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeCanonical } from '../../src/chain/canonical.js'
import { auditEntryProof } from '../../src/json/entry.js'
import { getEntry } from '../../src/query/get.js'
import { parseSeq } from '../../src/query/list-query.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { dropChecks, insertDomain, type RowOptions, T0 } from '../support/chain-rows.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const OTHER = '018f0000-0000-7000-8000-000000000002'
const HOSTILE = '018f0000-0000-7000-8000-000000000003'

const RICH: RowOptions = {
  subjectPseudonym: 'cd'.repeat(32),
  relation: 'secret.read ✓',
  object: 'secret:a:b/ü\u202e',
  reason: 'caveat_violation',
  relationPath: ['group:x#member', 'NULL', '{"a,b}', ' '],
  caveatContext: ['__proto__', 'ip.cidr', 'ip.port', 'mfa'],
  correlationId: '\u001b[31mred',
  zedtoken: 'GhUKEzE2=',
  recordedAt: T0 + 1_999_999n,
}

let database: TestDatabase
let db: Database
let reader: ReturnType<typeof postgresEntryReader>

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  reader = postgresEntryReader(db)
  await insertDomain(database.url, DOMAIN, [{}, RICH, { recordedAt: T0 + 5_000_000n }])
  await insertDomain(database.url, OTHER, [{}])
})

afterAll(async () => {
  await db.close()
  await database.drop()
})

describe('an intact row', () => {
  it('is returned with bytes that hash to its entry_hash', async () => {
    const proven = await getEntry(reader, DOMAIN, 2)
    const { relationPath, zedtoken } = proven.entry
    const { entry, proof: parts } = auditEntryProof(proven)
    const bytes = Buffer.from(parts.canonical_bytes, 'base64')
    const inner = createHash('sha256').update(bytes).digest()
    const outer = createHash('sha256').update(Buffer.from(parts.prev_hash, 'hex')).update(inner).digest('hex')
    expect(outer).toBe(parts.entry_hash)
    expect(entry).toMatchObject({ prev_hash: parts.prev_hash, entry_hash: parts.entry_hash })
    expect(decodeCanonical(bytes)).toEqual({ ...RICH, domainId: DOMAIN, seq: 2 })
    expect({ relationPath, zedtoken, problem: proven.problem }).toEqual({
      relationPath: RICH.relationPath,
      zedtoken: RICH.zedtoken,
      problem: undefined,
    })
  })

  it('is linked to the row before it', async () => {
    const [first, second] = [await getEntry(reader, DOMAIN, 1), await getEntry(reader, DOMAIN, 2)]
    expect(first.entry.prevHash).toBe('0'.repeat(64))
    expect(second.entry.prevHash).toBe(first.entry.entryHash)
  })
})

describe('a row that does not exist', () => {
  it.each<[string, string, number]>([
    ['entry_not_found', DOMAIN, 4],
    ['entry_not_found', DOMAIN, Number.MAX_SAFE_INTEGER],
    ['entry_not_found', OTHER, 2],
    ['domain_not_found', '018f0000-0000-7000-8000-00000000000f', 1],
  ])('is rejected with %s: %s, seq %i', async (code, domainId, seq) => {
    await expect(getEntry(reader, domainId, seq)).rejects.toMatchObject({ code })
  })

  it.each(['0', '-1', '1.5', '01', '', 'x', '9007199254740992', '1e3', ' 1'])(
    'is rejected as seq %j',
    (text) => {
      expect(() => parseSeq(text)).toThrow(expect.objectContaining({ code: 'invalid_seq' }))
    },
  )
})

describe('a row that was edited', () => {
  type Case = [field: string, column: string, value: string]
  const UNREADABLE: readonly Case[] = [
    ['subject_pseudonym', 'subject_pseudonym', 'NULL'],
    ['subject_pseudonym', 'subject_pseudonym', "'\\x01'"],
    ['relation', 'relation', 'NULL'],
    ['relation', 'relation', "''"],
    ['object', 'object', "'no colon'"],
    ['reason', 'reason', 'NULL'],
    ['reason', 'reason', '9'],
    ['reason', 'reason', '257'],
    ['relation_path', 'relation_path', "'{{a,b}}'"],
    ['relation_path', 'relation_path', "'[0:1]={a,b}'"],
    ['relation_path', 'relation_path', "'{a,NULL}'"],
    ['caveat_context', 'caveat_context', "'{b,a}'"],
    ['caveat_context', 'caveat_context', "'{a=1}'"],
    ['correlation_id', 'correlation_id', 'NULL'],
    ['zedtoken', 'zedtoken', 'NULL'],
    ['recorded_at', 'recorded_at', 'NULL'],
    ['recorded_at', 'recorded_at', "'infinity'"],
    ['recorded_at', 'recorded_at', "'-infinity'"],
    ['recorded_at', 'recorded_at', "'10000-01-01'"],
  ]
  const READABLE: readonly (readonly [column: string, value: string])[] = [
    ['relation', "'project.write'"],
    ['recorded_at', "recorded_at + interval '1 microsecond'"],
    ['prev_hash', 'sha256(prev_hash)'],
    ['prev_hash', 'NULL'],
    ['entry_hash', 'sha256(entry_hash)'],
    ['entry_hash', 'NULL'],
  ]
  const LATER = ['generation', '2'] as const

  beforeAll(async () => {
    const edits = [...UNREADABLE.map(([, column, value]) => [column, value] as const), ...READABLE, LATER]
    await insertDomain(
      database.url,
      HOSTILE,
      edits.map(() => ({ relationPath: ['x'] })),
    )
    await asSuperuser(database.url, async (client) => {
      await dropChecks(client)
      for (const [index, [column, value]] of edits.entries()) {
        const where = `domain_id = '${HOSTILE}' AND seq = ${index + 1}`
        await client.query(`UPDATE audit_log_entry SET ${column} = ${value} WHERE ${where}`)
      }
    })
  })

  it.each(UNREADABLE.map((row, index) => [index + 1, ...row] as const))(
    'has no canonical bytes as row %i: %s of column %s = %s',
    async (seq, field) => {
      const { canonicalBytes, problem } = await getEntry(reader, HOSTILE, seq)
      expect(canonicalBytes).toHaveLength(0)
      expect(problem).toContain(`has no canonical bytes: ${field}`)
    },
  )

  it.each(READABLE.map((row, index) => [UNREADABLE.length + index + 1, ...row] as const))(
    'does not recompute as row %i with %s edited to %s',
    async (seq) => {
      const { problem } = await getEntry(reader, HOSTILE, seq)
      expect(problem).toContain('does not recompute: ')
    },
  )

  it('is rejected with generation_unknown where its generation is not known', async () => {
    const seq = UNREADABLE.length + READABLE.length + 1
    await expect(getEntry(reader, HOSTILE, seq)).rejects.toMatchObject({ code: 'generation_unknown' })
  })

  it('has no canonical bytes if its seq is there twice', async () => {
    await asSuperuser(
      database.url,
      `ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey;
       INSERT INTO audit_log_entry SELECT * FROM audit_log_entry WHERE domain_id = '${OTHER}'`,
    )
    expect((await getEntry(reader, OTHER, 1)).problem).toContain('it is stored more than once')
  })
})
