import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  API_KEY,
  CHECKPOINT,
  CONTEXT,
  DOMAIN,
  ENTRY,
  entryRow,
  FINDING,
  HEAD,
  insert,
  KEY,
  openFilled,
  outcome,
  type Row,
  TILE,
  TUPLE,
} from './schema-rows.js'

let client: pg.Client
let drop: () => Promise<void>

beforeAll(async () => {
  ;({ client, drop } = await openFilled())
})

afterAll(() => drop?.())

const TABLES = [
  'audit_schema_migration',
  'audit_domain',
  'audit_log_entry',
  'audit_log_chain_head',
  'audit_subject_pii',
  'audit_entry_context',
  'audit_tamper_quarantine',
  'audit_restore',
  'audit_idempotency_key',
  'audit_legal_hold',
  'audit_subject_block',
  'audit_retention_policy',
  'audit_held_subject',
  'audit_api_key',
  'audit_relation_tuple',
  'audit_access_policy',
  'audit_reconcile',
  'audit_mirror_marker',
  'audit_claim',
  'audit_identity_reveal',
  'audit_checkpoint',
  'audit_tlog_tile',
  'audit_archive_stamp',
  'audit_archive_watermark',
  'audit_log_entry_archived',
]

/** The privileges of each role, in the order of TABLES. S, I, U, D: on the table; u: on some columns only. */
const HELD: Readonly<Record<string, readonly string[]>> = {
  audit_writer: [
    'S',
    'SIu',
    'SI',
    'SIU',
    'SIU',
    'SI',
    'SIu',
    'SID',
    'SID',
    '',
    'S',
    '',
    '',
    'Su',
    'S',
    'S',
    'SIU',
    'SI',
    'SIUD',
    '',
    'S',
    'S',
    'SI',
    'S',
    '',
  ],
  audit_reader: [
    'S',
    'S',
    'S',
    'S',
    's',
    'S',
    'S',
    'S',
    '',
    'S',
    'S',
    'S',
    'S',
    'S',
    'S',
    'S',
    'S',
    'S',
    '',
    's',
    'S',
    'S',
    'S',
    'S',
    'S',
  ],
  audit_archiver: [
    'S',
    'S',
    'S',
    'S',
    '',
    '',
    'SI',
    'S',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    'SI',
    'SIUD',
    '',
    '',
    '',
    'SI',
    'SIU',
    '',
  ],
  audit_eraser: [
    'S',
    'S',
    'SI',
    'SIU',
    'SIUD',
    'SID',
    'S',
    'S',
    'SD',
    'SIu',
    'SI',
    'SIU',
    'S',
    'S',
    'S',
    '',
    '',
    'S',
    '',
    'SD',
    '',
    '',
    'S',
    '',
    '',
  ],
  audit_access: [
    'S',
    'S',
    'SI',
    'SIU',
    'SIU',
    'SI',
    '',
    '',
    '',
    '',
    'S',
    '',
    '',
    'SIu',
    'SID',
    'SIU',
    '',
    '',
    '',
    '',
    '',
    '',
    'S',
    '',
    '',
  ],
  audit_revealer: [
    'S',
    'S',
    'SI',
    'SIU',
    'SIU',
    'S',
    '',
    '',
    '',
    '',
    'S',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    'SI',
    '',
    '',
    'S',
    '',
    '',
  ],
  audit_signer: [
    'S',
    'S',
    'SI',
    'SU',
    '',
    '',
    'SI',
    'S',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    'SI',
    'SI',
    'S',
    'S',
    '',
  ],
}

const LETTERS = {
  SELECT: 'S',
  INSERT: 'I',
  UPDATE: 'U',
  DELETE: 'D',
  TRUNCATE: 'T',
  REFERENCES: 'R',
  TRIGGER: 'G',
}

describe.each(Object.entries(HELD))('%s', (role, expected) => {
  it('has exactly the privileges that it needs', async () => {
    const held: string[] = []
    for (const table of TABLES) held.push(await heldBy(role, table))
    expect(held).toEqual(expected)
  })

  it('cannot log in, owns nothing and has no special attributes', async () => {
    const { rows } = await client.query(
      `SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS special
         FROM pg_roles WHERE rolname = $1`,
      [role],
    )
    expect(rows).toEqual([{ special: false }])
  })
})

async function heldBy(role: string, table: string): Promise<string> {
  const { rows } = await client.query<{ privilege: keyof typeof LETTERS; whole: boolean; part: boolean }>(
    `SELECT privilege, has_table_privilege($1, $2, privilege) AS whole,
       CASE WHEN privilege IN ('DELETE', 'TRUNCATE', 'TRIGGER') THEN false
         ELSE has_any_column_privilege($1, $2, privilege) END AS part
     FROM unnest($3::text[]) AS privilege`,
    [role, table, Object.keys(LETTERS)],
  )
  const letter = ({ privilege, whole, part }: (typeof rows)[number]) => {
    if (whole) return LETTERS[privilege]
    return part ? LETTERS[privilege].toLowerCase() : ''
  }
  return rows.map(letter).join('')
}

describe('a role that may read the log', () => {
  const READERS = `SELECT grantee::regrole::text AS role FROM pg_class, aclexplode(relacl)
    WHERE oid = $1::regclass AND privilege_type = 'SELECT' ORDER BY 1`
  const readers = async (table: string) => (await client.query(READERS, [table])).rows

  it('may read the stamps, and no other role may', async () => {
    expect(await readers('audit_archive_stamp')).toEqual(await readers('audit_log_entry'))
    const roles = Object.keys(HELD).map((role) => expect.objectContaining({ role }))
    expect(await readers('audit_archive_stamp')).toEqual(expect.arrayContaining(roles))
  })

  it('may read the stamps if an administrator let it read the log', async () => {
    const run = async () => {
      await client.query('GRANT SELECT ON audit_log_entry TO pg_monitor; SELECT audit_grant_roles()')
      expect(await readers('audit_archive_stamp')).toContainEqual({ role: 'pg_monitor' })
    }
    expect(await outcome(client, run)).toBe('')
  })
})

describe('PUBLIC', () => {
  it('has no privilege on any table, sequence or function', async () => {
    const { rows } = await client.query(`
      SELECT relname AS name FROM pg_class, aclexplode(relacl) WHERE relname LIKE 'audit\\_%' AND grantee = 0
      UNION ALL SELECT attname FROM pg_attribute, aclexplode(attacl)
        WHERE attrelid::regclass::text LIKE 'audit\\_%' AND grantee = 0
      UNION ALL SELECT proname FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
        WHERE proname LIKE 'audit\\_%' AND grantee = 0`)
    expect(rows).toEqual([])
  })
})

type Step = readonly [table: string, row: Row] | string

const NEXT = entryRow({
  ...ENTRY,
  seq: 3,
  relationPath: ['a'.repeat(300), 'b'.repeat(300)],
  caveatContext: ['a', 'b', 'c', `d${'x'.repeat(60)}`],
})
const SIGN: readonly Step[] = [
  `SELECT next_seq, head_hash FROM audit_log_chain_head WHERE domain_id = '${DOMAIN}' FOR UPDATE`,
  ['audit_log_entry', { ...NEXT, prev_hash: Buffer.alloc(32, 5) }],
  'UPDATE audit_log_chain_head SET next_seq = next_seq + 1, head_hash = sha256($$x$$)',
]
const APPEND_ROW: readonly Step[] = [
  ...SIGN,
  `INSERT INTO audit_subject_pii (domain_id, subject_pseudonym) VALUES ('${DOMAIN}', sha256($$x$$))
     ON CONFLICT (domain_id, subject_pseudonym) DO UPDATE SET last_seen_at = excluded.last_seen_at`,
]
const APPEND: readonly Step[] = [
  ...APPEND_ROW,
  ['audit_entry_context', { ...CONTEXT, seq: 3, metadata: '{"event_time":"2023-07-10T11:42:06Z"}' }],
]
const ACKNOWLEDGE = "UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'x'"
const STAMP: Step = [
  'audit_archive_stamp',
  { domain_id: DOMAIN, seq: 2, archived_at: '2026-01-01', archive_etag: 'e' },
]
const WATERMARK: Step = ['audit_archive_watermark', { domain_id: DOMAIN, seq: 2 }]
const MOVE_WATERMARK = 'UPDATE audit_archive_watermark SET seq = seq + 1'
const KEEP_KEYS: readonly Step[] = [
  ['audit_idempotency_key', { ...KEY, domain_id: 'aaaaaaaa-0000-7000-8000-000000000001' }],
  'SELECT * FROM audit_idempotency_key',
]
const FORGET_KEYS = 'DELETE FROM audit_idempotency_key'
const ERASE = [
  'DELETE FROM audit_subject_pii',
  'DELETE FROM audit_entry_context',
  'DELETE FROM audit_identity_reveal',
]
const HOLD: Step = ['audit_legal_hold', { domain_id: DOMAIN, reason: 'x' }]
const RELEASE = "UPDATE audit_legal_hold SET released_at = now(), release_reason = 'x'"
const BLOCK: Step = ['audit_subject_block', { domain_id: DOMAIN, subject_pseudonym: Buffer.alloc(32) }]
const POLICY: Step = ['audit_retention_policy', { domain_id: DOMAIN, chain_years: 7, personal_days: 1 }]
const FORGET = [HOLD, RELEASE, BLOCK, POLICY, 'UPDATE audit_retention_policy SET personal_days = 2']
const READ = TABLES.filter((table) => !['audit_idempotency_key', 'audit_claim'].includes(table)).map(
  (table) => `SELECT * FROM ${table}`,
)
const NOT_WRITERS = [
  'audit_legal_hold',
  'audit_retention_policy',
  'audit_held_subject',
  'audit_identity_reveal',
  'audit_log_entry_archived',
]
const NAMES = 'SELECT * FROM audit_subject_pii'
const REASONS = ['SELECT * FROM audit_identity_reveal', 'SELECT reason FROM audit_identity_reveal']
const READ_BY_READER = READ.filter((select) => select !== NAMES && !REASONS.includes(select))
const IDENTITIES =
  'SELECT domain_id, subject_pseudonym, identity_id, first_seen_at, last_seen_at FROM audit_subject_pii'
const REVEAL: Step = [
  'audit_identity_reveal',
  { domain_id: DOMAIN, seq: 3, subject_pseudonym: Buffer.alloc(32), reason: 'x' },
]
const READ_BY_WRITER = READ.filter((select) => !NOT_WRITERS.some((table) => select.endsWith(table)))
const USE_KEY = 'UPDATE audit_api_key SET last_used_at = now()'
const LET_IN: readonly Step[] = [
  ['audit_api_key', { ...API_KEY, key_id: 'ak_ffffffffffffffff' }],
  ['audit_relation_tuple', { ...TUPLE, relation: 'owner' }],
  'DELETE FROM audit_relation_tuple',
  'UPDATE audit_api_key SET revoked_at = now(), subject = NULL',
  `INSERT INTO audit_access_policy (domain_id, erase_owner_only) VALUES ('${DOMAIN}', true)`,
  'UPDATE audit_access_policy SET erase_owner_only = false',
]
const FIND: Step = ['audit_tamper_quarantine', { ...FINDING, code: 'seq_gap' }]
const PROGRESS: readonly Step[] = [
  `INSERT INTO audit_reconcile (domain_id, boot_seq, boot_started_at) VALUES ('${DOMAIN}', 0, now())
     ON CONFLICT (domain_id) DO UPDATE SET boot_seq = excluded.boot_seq`,
  'UPDATE audit_reconcile SET boot_seq = NULL, boot_started_at = NULL',
]
const DOMAIN_ROW: Step = ['audit_domain', { domain_id: 'aaaaaaaa-0000-7000-8000-000000000001' }]
const HEAD_ROW: Step = [
  'audit_log_chain_head',
  { ...HEAD, domain_id: 'aaaaaaaa-0000-7000-8000-000000000001' },
]
const INDEX: readonly Step[] = [
  ['audit_checkpoint', CHECKPOINT],
  ['audit_tlog_tile', TILE],
]
const BEGIN_RESTORE: Step = ['audit_restore', { domain_id: DOMAIN, mirror_url: 'file:///m' }]
const END_RESTORE = 'DELETE FROM audit_restore'
const TAMPER = [
  "UPDATE audit_log_entry SET relation = 'x'",
  'DELETE FROM audit_log_entry',
  'TRUNCATE audit_log_entry',
  'DELETE FROM audit_log_chain_head',
  'DELETE FROM audit_tamper_quarantine',
  "UPDATE audit_tamper_quarantine SET code = 'x'",
  'DELETE FROM audit_domain',
  'DELETE FROM audit_reconcile',
  "UPDATE audit_schema_migration SET name = 'x'",
  'UPDATE audit_restore SET started_at = now()',
  'TRUNCATE audit_restore',
  'ALTER TABLE audit_log_entry DISABLE TRIGGER ALL',
  'DROP TABLE audit_log_entry',
  'SET session_replication_role = replica',
  'SELECT audit_grant_roles()',
  'UPDATE audit_idempotency_key SET seq = seq',
  'DELETE FROM audit_legal_hold',
  'DELETE FROM audit_subject_block',
  'DELETE FROM audit_retention_policy',
  'UPDATE audit_legal_hold SET domain_id = domain_id',
  'SELECT audit_grant_part_access()',
  'UPDATE audit_api_key SET secret_sha256 = sha256($$x$$)',
  'DELETE FROM audit_api_key',
  'UPDATE audit_identity_reveal SET seq = seq',
  'TRUNCATE audit_identity_reveal',
  'SELECT audit_grant_part_reveal()',
  'UPDATE audit_checkpoint SET size = size',
  'DELETE FROM audit_checkpoint',
  'TRUNCATE audit_checkpoint',
  'UPDATE audit_tlog_tile SET level = level',
  'DELETE FROM audit_tlog_tile',
  'TRUNCATE audit_tlog_tile',
  'SELECT audit_grant_part_signer()',
  'UPDATE audit_log_entry SET seq = seq',
  'UPDATE audit_archive_stamp SET archived_at = archived_at',
  'DELETE FROM audit_archive_stamp',
  'TRUNCATE audit_archive_stamp',
  'DELETE FROM audit_archive_watermark',
  'TRUNCATE audit_archive_watermark',
  'SELECT audit_grant_part_stamp()',
]

const MAY: Readonly<Record<string, readonly Step[]>> = {
  audit_writer: [
    ...READ_BY_WRITER,
    ...KEEP_KEYS,
    FORGET_KEYS,
    ...APPEND,
    DOMAIN_ROW,
    HEAD_ROW,
    FIND,
    ACKNOWLEDGE,
    USE_KEY,
    BEGIN_RESTORE,
    END_RESTORE,
    STAMP,
    ...PROGRESS,
  ],
  audit_reader: [
    ...READ_BY_READER,
    IDENTITIES,
    'SELECT domain_id, seq, subject_pseudonym FROM audit_identity_reveal',
  ],
  audit_archiver: ['SELECT * FROM audit_log_entry', STAMP, WATERMARK, MOVE_WATERMARK, FIND],
  audit_eraser: [...ERASE, ...REASONS, FORGET_KEYS, ...APPEND, ...FORGET],
  audit_access: [...APPEND, ...LET_IN],
  audit_revealer: [NAMES, ...REASONS, 'SELECT * FROM audit_entry_context', ...APPEND_ROW, REVEAL],
  audit_signer: [
    ...[
      'audit_schema_migration',
      'audit_domain',
      'audit_log_entry',
      'audit_restore',
      'audit_archive_stamp',
    ].map((table) => `SELECT * FROM ${table}`),
    ...SIGN,
    ...INDEX,
    'SELECT * FROM audit_checkpoint',
    'SELECT * FROM audit_tlog_tile',
    FIND,
    'SELECT * FROM audit_tamper_quarantine',
  ],
}
const MAY_NOT: Readonly<Record<string, readonly Step[]>> = {
  audit_writer: [
    ...TAMPER,
    ...ERASE,
    WATERMARK,
    MOVE_WATERMARK,
    ...FORGET,
    ...LET_IN,
    REVEAL,
    ...REASONS,
    ...INDEX,
  ],
  audit_reader: [
    ...TAMPER,
    ...ERASE,
    NAMES,
    ...REASONS,
    ...['subject_plaintext', 'email_claim', 'source_ip', 'idp_claim_names'].map(
      (column) => `SELECT ${column} FROM audit_subject_pii`,
    ),
    REVEAL,
    ...KEEP_KEYS,
    FORGET_KEYS,
    STAMP,
    WATERMARK,
    MOVE_WATERMARK,
    ACKNOWLEDGE,
    DOMAIN_ROW,
    HEAD_ROW,
    FIND,
    BEGIN_RESTORE,
    END_RESTORE,
    ...APPEND,
    ...FORGET,
    ...LET_IN,
    USE_KEY,
    ...PROGRESS,
    ...INDEX,
  ],
  audit_archiver: [
    ...TAMPER,
    ...ERASE,
    ...KEEP_KEYS,
    FORGET_KEYS,
    ACKNOWLEDGE,
    DOMAIN_ROW,
    HEAD_ROW,
    ...APPEND,
    'SELECT * FROM audit_subject_pii',
    ...REASONS,
    ...PROGRESS,
    ...INDEX,
    'SELECT * FROM audit_checkpoint',
    'SELECT * FROM audit_tlog_tile',
  ],
  audit_eraser: [
    ...TAMPER,
    STAMP,
    WATERMARK,
    MOVE_WATERMARK,
    ACKNOWLEDGE,
    FIND,
    DOMAIN_ROW,
    ...LET_IN,
    REVEAL,
    ...INDEX,
  ],
  audit_access: [
    ...TAMPER,
    ...ERASE,
    STAMP,
    WATERMARK,
    MOVE_WATERMARK,
    ACKNOWLEDGE,
    FIND,
    DOMAIN_ROW,
    USE_KEY,
    REVEAL,
    ...REASONS,
    ...INDEX,
  ],
  audit_revealer: [
    ...TAMPER,
    ...ERASE,
    STAMP,
    WATERMARK,
    MOVE_WATERMARK,
    ACKNOWLEDGE,
    FIND,
    DOMAIN_ROW,
    USE_KEY,
    ...FORGET,
    ...LET_IN,
    ['audit_entry_context', { ...CONTEXT, seq: 3 }],
    'SELECT * FROM audit_api_key',
    'SELECT * FROM audit_tamper_quarantine',
    ...INDEX,
  ],
  audit_signer: [
    ...TAMPER,
    ...ERASE,
    STAMP,
    WATERMARK,
    MOVE_WATERMARK,
    ACKNOWLEDGE,
    DOMAIN_ROW,
    HEAD_ROW,
    BEGIN_RESTORE,
    END_RESTORE,
    USE_KEY,
    REVEAL,
    ...REASONS,
    ...KEEP_KEYS,
    ...FORGET,
    ...LET_IN,
    ...PROGRESS,
    NAMES,
    `INSERT INTO audit_subject_pii (domain_id, subject_pseudonym) VALUES ('${DOMAIN}', sha256($$x$$))`,
    ['audit_entry_context', { ...CONTEXT, seq: 3 }],
    'SELECT * FROM audit_entry_context',
    'SELECT * FROM audit_api_key',
    'SELECT * FROM audit_mirror_marker',
  ],
}

describe('SET ROLE', () => {
  for (const [role, steps] of Object.entries(MAY)) {
    it(`lets ${role} do its work`, async () => {
      expect(await outcome(client, () => as(role, steps))).toBe('')
    })
  }
  for (const [role, steps] of Object.entries(MAY_NOT)) {
    for (const step of steps) {
      it(`does not let ${role} run: ${typeof step === 'string' ? step : `INSERT INTO ${step[0]}`}`, async () => {
        expect(await outcome(client, () => as(role, [step]))).toBe('42501')
      })
    }
  }
})

describe('a stamp', () => {
  const stamps = (...values: string[]) =>
    `INSERT INTO audit_archive_stamp (domain_id, seq, archived_at, archive_etag)
      SELECT domain_id::uuid, seq, at::timestamptz, 'x' FROM (VALUES ${values}) AS s (domain_id, seq, at)`
  const ROW = `('${DOMAIN}', 2, '2026-01-01')`
  const AT_ROW = `('${DOMAIN}', 2, '2023-11-14T22:13:20Z')`
  const OLDER = `('${DOMAIN}', 2, '2023-11-14T22:13:19.999999Z')`
  const ROWLESS = `('${DOMAIN}', 3, 'infinity')`
  const CHAINLESS = `('01890000-0000-7000-8000-000000000009', 2, '2026-01-01')`
  const REFUSED = '23514 audit_archive_stamp_counts'

  it.each([
    ['older than its row', OLDER],
    ['infinitely old', `('${DOMAIN}', 2, '-infinity')`],
    ['without a row', ROWLESS],
    ['without a chain', CHAINLESS],
    ['after one that counts', `${ROW}, ${ROWLESS}`],
  ])('%s is refused for a role that stamps, and not for the owner', async (_name, values) => {
    for (const role of ['audit_archiver', 'audit_writer'])
      expect(await outcome(client, () => as(role, [stamps(values)]))).toBe(REFUSED)
    expect(await outcome(client, () => client.query(stamps(values)))).toBe('')
  })

  it.each([
    ['of the time of its row', stamps(AT_ROW)],
    ['of a later time', stamps(ROW)],
    ['of no row at all', `${stamps(ROW)} WHERE false`],
    [
      'in place of one that is there',
      `${stamps(ROW)} ON CONFLICT DO NOTHING; ${stamps(OLDER)} ON CONFLICT DO NOTHING`,
    ],
  ])('%s may be inserted', async (_name, sql) => {
    expect(await outcome(client, () => as('audit_archiver', [sql]))).toBe('')
  })
})

async function as(role: string, steps: readonly Step[]): Promise<void> {
  await client.query(`SET LOCAL ROLE ${role}`)
  for (const step of steps) {
    if (typeof step === 'string') await client.query(step)
    else await insert(client, ...step)
  }
}
