import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENTRY, entryRow, openFilled, outcome } from './schema-rows.js'

let client: pg.Client
let drop: () => Promise<void>

beforeAll(async () => {
  ;({ client, drop } = await openFilled())
})

afterAll(() => drop?.())

const ENTRY_COLUMNS = [...Object.keys(entryRow(ENTRY)), 'generation']

const ID = '018f0000-0000-7000-8000-00000000aaaa'
const SUBJECT = `\\x${ENTRY.subjectPseudonym}`
const OF_IDENTITY = `UPDATE audit_subject_pii SET identity_id = '${ID}'`
const hold = (columns: string, values: string) =>
  `INSERT INTO audit_legal_hold (domain_id, ${columns}) VALUES ('${ENTRY.domainId}', ${values})`
const HOLD = hold('reason', "'x'")
const RELEASE = "UPDATE audit_legal_hold SET released_at = now(), release_reason = 'over'"

const REVOKE_KEY = 'UPDATE audit_api_key SET revoked_at = now(), subject = NULL'
const OTHER: Readonly<Record<string, string>> = {
  subject: "'user:mallory'",
  relation: "'owner'",
  secret_sha256: "sha256('')",
  owner_only: 'true',
  read_only: 'true',
  expires_at: "'infinity'",
  key_id: "'ak_ffffffffffffffff'",
}

const SIGN = `INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note)
  VALUES ('${ENTRY.domainId}', 1, 2, sha256('r'), sha256('e'), 'n')`
const ADD_TILE = `INSERT INTO audit_tlog_tile (domain_id, incarnation, level, tile_index, hashes)
  VALUES ('${ENTRY.domainId}', 1, 0, 0, decode(repeat('00', 8192), 'hex'))`

const REVEAL = `INSERT INTO audit_identity_reveal (domain_id, seq, subject_pseudonym, reason)
  VALUES ('${ENTRY.domainId}', 3, '${SUBJECT}', 'x')`

const STAMP = `INSERT INTO audit_archive_stamp (domain_id, seq, archived_at, archive_etag)
  VALUES ('${ENTRY.domainId}', 2, now(), 'e')`
const WATERMARK = `INSERT INTO audit_archive_watermark (domain_id, seq) VALUES ('${ENTRY.domainId}', 5)`

/** Makes a table inherit from a new table, whose triggers alone a statement on it runs for each statement. */
const inherit = (table: string) => `CREATE TABLE parent (LIKE ${table}); ALTER TABLE ${table} INHERIT parent`

/** The SQLSTATE that rejects the last statement, or '' if it succeeds; then the statements of one transaction of the owner. */
const MARKER = `INSERT INTO audit_mirror_marker (marker_id) VALUES ('${ID}')`

const CASES: readonly (readonly [refused: string, ...statements: string[]])[] = [
  ['', MARKER],
  ['23505', MARKER, MARKER],
  ['WO001', MARKER, 'UPDATE audit_mirror_marker SET marker_id = marker_id'],
  ['WO001', MARKER, 'DELETE FROM audit_mirror_marker'],
  ['WO001', 'TRUNCATE audit_mirror_marker'],
  ['', STAMP],
  ['23505', STAMP, STAMP],
  ['', STAMP, `${STAMP} ON CONFLICT DO NOTHING`],
  ['23514', STAMP.replace(', 2,', ', 0,')],
  ['WO001', STAMP, 'UPDATE audit_archive_stamp SET archived_at = archived_at'],
  ['WO001', STAMP, "UPDATE audit_archive_stamp SET archive_etag = 'f'"],
  ['WO001', STAMP, 'DELETE FROM audit_archive_stamp'],
  ['WO001', 'DELETE FROM audit_archive_stamp WHERE false'],
  ['WO001', 'TRUNCATE audit_archive_stamp'],
  ['', WATERMARK, 'UPDATE audit_archive_watermark SET seq = 7'],
  ['', WATERMARK, 'UPDATE audit_archive_watermark SET seq = seq'],
  ['WO001', WATERMARK, 'UPDATE audit_archive_watermark SET seq = 4'],
  ['WO001', WATERMARK, 'UPDATE audit_archive_watermark SET domain_id = gen_random_uuid()'],
  ['23514', WATERMARK, 'UPDATE audit_archive_watermark SET seq = 9007199254740992'],
  ['23514', WATERMARK.replace(', 5', ', -1')],
  ['WO001', WATERMARK, 'DELETE FROM audit_archive_watermark'],
  ['WO001', 'TRUNCATE audit_archive_watermark'],
  ['WO001', STAMP, inherit('audit_archive_stamp'), "UPDATE parent SET archive_etag = 'f'"],
  ['WO001', STAMP, inherit('audit_archive_stamp'), 'DELETE FROM parent'],
  ['WO001', STAMP, inherit('audit_archive_stamp'), 'TRUNCATE parent'],
  ['WO001', inherit('audit_log_entry'), "UPDATE parent SET relation = 'x'"],
  ['WO001', inherit('audit_log_entry'), 'UPDATE parent SET seq = seq'],
  ['WO001', inherit('audit_log_entry'), 'DELETE FROM parent'],
  ['WO001', inherit('audit_log_entry'), 'TRUNCATE parent'],
  ['WO001', 'UPDATE audit_log_entry SET seq = seq WHERE false'],
  ...ENTRY_COLUMNS.map((column) => ['WO001', `UPDATE audit_log_entry SET ${column} = ${column}`] as const),
  ['WO001', "UPDATE audit_log_entry SET relation = 'x'"],
  ['WO001', 'UPDATE audit_log_entry SET seq = seq + 1'],
  ['WO001', "UPDATE audit_log_entry SET recorded_at = recorded_at + interval '1 microsecond'"],
  ['WO001', `UPDATE audit_log_entry SET relation_path = '{a}'`],
  ['WO001', 'DELETE FROM audit_log_entry'],
  ['WO001', 'DELETE FROM audit_log_entry WHERE false'],
  ['WO001', 'TRUNCATE audit_log_entry'],
  ['WO001', 'TRUNCATE audit_domain, audit_log_entry CASCADE'],

  ['', 'UPDATE audit_log_chain_head SET next_seq = 3, head_hash = sha256($$x$$)'],
  ['', 'UPDATE audit_log_chain_head SET next_seq = next_seq'],
  ['WO001', 'UPDATE audit_log_chain_head SET next_seq = 1'],
  ['WO001', 'UPDATE audit_log_chain_head SET head_hash = sha256($$x$$)'],
  ['WO001', 'UPDATE audit_log_chain_head SET domain_id = gen_random_uuid(), next_seq = 3'],
  ['WO001', 'DELETE FROM audit_log_chain_head'],
  ['WO001', 'TRUNCATE audit_log_chain_head'],

  ['', "UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'seen'"],
  [
    'WO001',
    "UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'seen'",
    "UPDATE audit_tamper_quarantine SET acknowledge_reason = 'seen again'",
  ],
  [
    'WO001',
    "UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'seen'",
    'UPDATE audit_tamper_quarantine SET acknowledged_at = NULL, acknowledge_reason = NULL',
  ],
  ...[
    'divergent_seq = 9',
    "code = 'x'",
    'observed_hash = sha256($$x$$)',
    "detail = 'x'",
    'detected_at = now()',
  ].map(
    (change) =>
      [
        'WO001',
        `UPDATE audit_tamper_quarantine SET ${change}, acknowledged_at = now(), acknowledge_reason = 'seen'`,
      ] as const,
  ),
  ['WO001', 'DELETE FROM audit_tamper_quarantine'],
  ['WO001', 'TRUNCATE audit_tamper_quarantine'],

  ['', "UPDATE audit_domain SET name = 'another'"],
  ['WO001', "UPDATE audit_domain SET mirror_url = 'file:///elsewhere'"],
  ['WO001', 'UPDATE audit_domain SET domain_id = gen_random_uuid()'],
  ['WO001', "UPDATE audit_entry_context SET ip = '192.0.2.66'"],
  ['', 'DELETE FROM audit_subject_pii'],
  ['', 'DELETE FROM audit_entry_context'],
  ['428C9', 'UPDATE audit_entry_context SET event_time = now()'],
  ['WO001', REVEAL, "UPDATE audit_identity_reveal SET reason = 'another'"],
  ['WO001', REVEAL, 'TRUNCATE audit_identity_reveal'],
  ['', REVEAL, 'DELETE FROM audit_identity_reveal'],
  ['WO002', REVEAL, HOLD, 'DELETE FROM audit_identity_reveal'],
  [
    'WO002',
    REVEAL,
    hold('subject_pseudonym, reason', `'${SUBJECT}', 'x'`),
    'DELETE FROM audit_identity_reveal',
  ],
  ['', REVEAL, hold('subject_pseudonym, reason', "sha256(''), 'x'"), 'DELETE FROM audit_identity_reveal'],
  [
    'WO002',
    REVEAL,
    OF_IDENTITY,
    hold('subject_pseudonym, identity_id, reason', `sha256(''), '${ID}', 'x'`),
    'DELETE FROM audit_identity_reveal',
  ],
  ['', SIGN],
  ['23505', SIGN, SIGN],
  ['', SIGN, `${SIGN} ON CONFLICT DO NOTHING`],
  ['', ADD_TILE],
  ['23505', ADD_TILE, ADD_TILE],
  ['', ADD_TILE, `${ADD_TILE} ON CONFLICT DO NOTHING`],
  ...(['audit_checkpoint', 'audit_tlog_tile'] as const).flatMap((table): (typeof CASES)[number][] => [
    ['WO001', SIGN, ADD_TILE, `UPDATE ${table} SET incarnation = incarnation`],
    ['WO001', SIGN, ADD_TILE, `DELETE FROM ${table}`],
    ['WO001', `TRUNCATE ${table}`],
  ]),
  ['WO001', SIGN, 'UPDATE audit_checkpoint SET platform_seq = 1'],
  ['WO001', 'UPDATE audit_idempotency_key SET created_at = now()'],
  ['', 'DELETE FROM audit_idempotency_key'],

  ['', HOLD, RELEASE],
  ['', HOLD, RELEASE, "UPDATE audit_legal_hold SET reason = '', release_reason = ''"],
  ['WO001', HOLD, `${RELEASE}, reason = 'another'`],
  ['WO001', HOLD, "UPDATE audit_legal_hold SET reason = 'another'"],
  ['WO001', HOLD, RELEASE, "UPDATE audit_legal_hold SET release_reason = 'another'"],
  ['WO001', HOLD, RELEASE, 'UPDATE audit_legal_hold SET released_at = NULL, release_reason = NULL'],
  ['WO001', HOLD, 'DELETE FROM audit_legal_hold'],
  ['WO001', 'TRUNCATE audit_legal_hold'],
  ['WO001', 'DELETE FROM audit_subject_block'],
  ['WO001', 'UPDATE audit_subject_block SET blocked_at = now()'],
  ['WO001', 'DELETE FROM audit_retention_policy'],
  ...['audit_subject_pii', 'audit_entry_context'].flatMap((table): (typeof CASES)[number][] => [
    ['WO002', HOLD, `DELETE FROM ${table}`],
    [
      'WO002',
      OF_IDENTITY,
      hold('subject_pseudonym, identity_id, reason', `sha256(''), '${ID}', 'x'`),
      `DELETE FROM ${table}`,
    ],
    ['WO002', HOLD, `TRUNCATE ${table}`],
    ['WO002', hold('subject_pseudonym, reason', `'${SUBJECT}', 'x'`), `DELETE FROM ${table}`],
    ['', hold('subject_pseudonym, reason', "sha256(''), 'x'"), `DELETE FROM ${table}`],
    ['', `INSERT INTO audit_legal_hold (domain_id, reason) VALUES ('${ID}', 'x')`, `DELETE FROM ${table}`],
    ['', HOLD, `DELETE FROM ${table} WHERE false`],
    ['', HOLD, RELEASE, `DELETE FROM ${table}`],
  ]),

  ['', 'UPDATE audit_api_key SET last_used_at = now()'],
  ['', REVOKE_KEY],
  ['', REVOKE_KEY, 'UPDATE audit_api_key SET last_used_at = now()'],
  ['WO001', REVOKE_KEY, "UPDATE audit_api_key SET revoked_at = NULL, subject = 'user:alice'"],
  ['WO001', REVOKE_KEY, "UPDATE audit_api_key SET revoked_at = '2000-01-01'"],
  ['WO001', "UPDATE audit_api_key SET revoked_at = now(), subject = 'user:mallory'"],
  ...['subject', 'relation', 'secret_sha256', 'owner_only', 'read_only', 'expires_at', 'key_id'].map(
    (column) => ['WO001', `UPDATE audit_api_key SET ${column} = ${OTHER[column]}`] as const,
  ),
  ['WO001', 'DELETE FROM audit_api_key'],
  ['WO001', 'TRUNCATE audit_api_key'],
  ['WO001', "UPDATE audit_relation_tuple SET subject = 'user:mallory'"],
  ['', 'DELETE FROM audit_relation_tuple'],
  ['WO001', 'DELETE FROM audit_access_policy'],
]

describe('the write-once triggers, for the owner of the tables', () => {
  for (const [refused, ...statements] of CASES) {
    it(`${refused ? `reject with ${refused}` : 'allow'}: ${statements.join('; ')}`, async () => {
      const last = statements.at(-1) ?? ''
      const run = async () => {
        for (const statement of statements.slice(0, -1)) await client.query(statement)
        await expectState(last, refused)
      }
      expect(await outcome(client, run)).toBe('')
    })
  }

  it.each([
    ['UPDATE audit_log_entry SET seq = 9', 'UPDATE on audit_log_entry is refused', 'append another'],
    ['DELETE FROM audit_log_entry', 'DELETE on audit_log_entry is refused', 'audit erase-identity'],
    ['TRUNCATE audit_tamper_quarantine', 'TRUNCATE on audit_tamper_quarantine', 'quarantine acknowledge'],
    ['UPDATE audit_tamper_quarantine SET id = DEFAULT', 'UPDATE on audit_tamper_quarantine', 'acknowledge'],
    ['UPDATE audit_log_chain_head SET next_seq = 1', 'UPDATE on audit_log_chain_head', 'Append rows'],
  ])(
    'reject %s with an error that names operation, table and alternative',
    async (statement, message, hint) => {
      const error = await client.query(statement).catch((refusal: pg.DatabaseError) => refusal)
      expect(error).toMatchObject({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      })
    },
  )
})

async function expectState(statement: string, state: string): Promise<void> {
  const code = await client.query(statement).then(
    () => '',
    (error: pg.DatabaseError) => error.code,
  )
  expect(code).toBe(state)
}
