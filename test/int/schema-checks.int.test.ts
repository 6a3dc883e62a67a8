import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { Entry } from '../../src/chain/entry.js'
import { FormatError } from '../../src/chain/format-error.js'
import { LIMITS } from '../../src/chain/limits.js'
import { MAX_INCARNATION } from '../../src/chain/log/origin.js'
import { MAX_MICROS, MIN_MICROS } from '../../src/chain/timestamp.js'
import { NIL_UUID, PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import {
  API_KEY,
  bytes,
  CHECKPOINT,
  CONTEXT,
  DOMAIN,
  ENTRY,
  entryRow,
  FINDING,
  HEAD,
  insert,
  KEY,
  openDatabase,
  outcome,
  PII,
  type Row,
  TILE,
  TUPLE,
} from './schema-rows.js'

let client: pg.Client
let drop: () => Promise<void>

beforeAll(async () => {
  ;({ client, drop } = await openDatabase())
})

afterAll(() => drop?.())

/** A change to the valid entry. `row` holds values that an Entry or RFC 3339 cannot express; '' means "accepted". */
type EntryCase = readonly [name: string, entry: Partial<Entry>, refusedBy: string, row?: Row]

const a = (length: number) => 'a'.repeat(length)
const many = (count: number, item: (i: number) => string) => Array.from({ length: count }, (_, i) => item(i))
const name = (i: number) => `n${String(i).padStart(3, '0')}`

const ENTRY_CASES: readonly EntryCase[] = [
  ['the platform anchor', { domainId: PLATFORM_ANCHOR }, ''],
  ['the nil UUID', { domainId: NIL_UUID }, 'domain_not_nil'],
  ['seq 1', { seq: 1 }, ''],
  ['seq 0', { seq: 0 }, 'seq_range'],
  ['the greatest seq', { seq: LIMITS.maxSeq }, ''],
  ['one above', { seq: LIMITS.maxSeq + 1 }, 'seq_range'],
  ['a relation of 1 byte', { relation: 'a' }, ''],
  ['none', { relation: '' }, 'relation_bytes'],
  ['of 128 bytes', { relation: a(LIMITS.relationBytes) }, ''],
  ['of 129', { relation: a(LIMITS.relationBytes + 1) }, 'relation_bytes'],
  ['of 64 characters in 128 bytes', { relation: 'é'.repeat(64) }, ''],
  ['of 65 characters in 129 bytes', { relation: `${'é'.repeat(64)}a` }, 'relation_bytes'],
  ['an object type of 64', { object: `${a(64)}:b` }, ''],
  ['of 65', { object: `${a(65)}:b` }, 'object_type'],
  ['of every character', { object: 'az09_/-:b' }, ''],
  ['of none', { object: ':b' }, 'object_type'],
  ['with a digit first', { object: '1a:b' }, 'object_type'],
  ['in upper case', { object: 'Bucket:b' }, 'object_type'],
  ['beyond ASCII', { object: 'ä:b' }, 'object_type'],
  ['on a second line', { object: 'A\nbucket:b' }, 'object_type'],
  ['without a colon', { object: 'bucket' }, 'object_type'],
  ['no object', { object: '' }, 'object_id_bytes'],
  ['an object id of 1 byte', { object: 'a:b' }, ''],
  ['of none', { object: 'a:' }, 'object_id_bytes'],
  ['of 512 bytes', { object: `a:${a(LIMITS.objectIdBytes)}` }, ''],
  ['of 513', { object: `a:${a(LIMITS.objectIdBytes + 1)}` }, 'object_id_bytes'],
  ['of 256 characters in 512 bytes', { object: `${a(64)}:${'é'.repeat(256)}` }, ''],
  ['of 257 in 513', { object: `a:${'é'.repeat(256)}a` }, 'object_id_bytes'],
  ['with colons', { object: 'arn:aws:s3:::b' }, ''],
  ['a path of 64', { relationPath: many(LIMITS.pathItems, () => 'a') }, ''],
  ['of 65', { relationPath: many(LIMITS.pathItems + 1, () => 'a') }, 'relation_path_array'],
  ['of 64 times 512 bytes', { relationPath: many(64, () => a(LIMITS.pathItemBytes)) }, ''],
  ['an item of 513 bytes', { relationPath: ['a', a(LIMITS.pathItemBytes + 1)] }, 'relation_path_bytes'],
  ['of 256 characters in 512 bytes', { relationPath: ['é'.repeat(256)] }, ''],
  ['of 513 in fewer characters', { relationPath: [`${'é'.repeat(256)}a`] }, 'relation_path_bytes'],
  ['an empty item', { relationPath: ['a', ''] }, 'relation_path_bytes'],
  ['an empty item among long ones', { relationPath: [a(512), '', a(512)] }, 'relation_path_bytes'],
  ['a path with duplicates, unsorted', { relationPath: ['b', 'a', 'b'] }, ''],
  ['a caveat', { caveatContext: ['a'] }, ''],
  ['a parameter', { caveatContext: ['_a.B_9'] }, ''],
  ['a value', { caveatContext: ['a=1'] }, 'caveat_names_only'],
  ['two in one', { caveatContext: ['a,b'] }, 'caveat_names_only'],
  ['an empty name', { caveatContext: [''] }, 'caveat_names_only'],
  ['an empty parameter', { caveatContext: ['a.'] }, 'caveat_names_only'],
  ['a third part', { caveatContext: ['a.b.c'] }, 'caveat_names_only'],
  ['a digit first', { caveatContext: ['1a'] }, 'caveat_names_only'],
  ['a digit first in the parameter', { caveatContext: ['a.1'] }, 'caveat_names_only'],
  ['a line end', { caveatContext: ['a\n'] }, 'caveat_names_only'],
  ['beyond ASCII', { caveatContext: ['ä'] }, 'caveat_names_only'],
  ['a name of 63', { caveatContext: [a(63)] }, ''],
  ['of 64', { caveatContext: [a(64)] }, 'caveat_names_only'],
  ['a parameter of 63', { caveatContext: [`${a(63)}.${a(63)}`] }, ''],
  ['of 64', { caveatContext: [`a.${a(64)}`] }, 'caveat_names_only'],
  ['a value among many names', { caveatContext: [...many(30, name), 'x=1'] }, 'caveat_names_only'],
  ['a comma among many names', { caveatContext: [...many(30, name), 'x,y'] }, 'caveat_names_only'],
  ['64 names', { caveatContext: many(LIMITS.caveatNames, name) }, ''],
  ['65', { caveatContext: many(LIMITS.caveatNames + 1, name) }, 'caveat_array'],
  ['two, sorted by bytes', { caveatContext: ['B', 'a'] }, ''],
  ['sorted by language', { caveatContext: ['a', 'B'] }, 'caveat_sorted'],
  ['one twice', { caveatContext: ['a', 'a'] }, 'caveat_sorted'],
  ['three, sorted', { caveatContext: ['Z', '_', 'a'] }, ''],
  ['the last out of order', { caveatContext: ['a', 'c', 'b'] }, 'caveat_sorted'],
  ['the first out of order', { caveatContext: ['b', 'a', 'c'] }, 'caveat_sorted'],
  ['four, sorted', { caveatContext: ['B', '_', 'a', 'a.b'] }, ''],
  ['four, one twice', { caveatContext: ['a', 'b', 'b', 'c'] }, 'caveat_sorted'],
  ['four, sorted by language', { caveatContext: ['a', 'B', 'c', 'd'] }, 'caveat_sorted'],
  ['a correlation id of 256 bytes', { correlationId: a(LIMITS.correlationIdBytes) }, ''],
  ['of 257', { correlationId: a(LIMITS.correlationIdBytes + 1) }, 'correlation_id_bytes'],
  ['of 257 in 129 characters', { correlationId: `${'é'.repeat(128)}a` }, 'correlation_id_bytes'],
  ['a zedtoken of 1024 bytes', { zedtoken: a(LIMITS.zedtokenBytes) }, ''],
  ['of 1025', { zedtoken: a(LIMITS.zedtokenBytes + 1) }, 'zedtoken_bytes'],
  ['of 1025 in 513 characters', { zedtoken: `${'é'.repeat(512)}a` }, 'zedtoken_bytes'],
  ['the first microsecond of 0001', { recordedAt: MIN_MICROS }, ''],
  [
    'the one before',
    { recordedAt: MIN_MICROS - 1n },
    'recorded_at_range',
    { recorded_at: '0001-12-31 23:59:59.999999+00 BC' },
  ],
  ['the last of 9999', { recordedAt: MAX_MICROS }, ''],
  [
    'the one after',
    { recordedAt: MAX_MICROS + 1n },
    'recorded_at_range',
    { recorded_at: '10000-01-01 00:00:00+00' },
  ],
]

describe('the chain format and the CHECKs agree on an entry', () => {
  for (const [title, change, refusedBy, row] of ENTRY_CASES) {
    it(`${Object.keys(change)}, ${title}: ${refusedBy || 'accepted'}`, async () => {
      const full = { ...ENTRY, ...change }
      const insertion = () => insert(client, 'audit_log_entry', { ...entryRow(full), ...row })
      expect(await outcome(client, insertion)).toBe(refusal('audit_log_entry', refusedBy))
      expect(formatRefuses(full)).toBe(refusedBy !== '')
    })
  }
})

const refusal = (table: string, check: string) => (check === '' ? '' : `23514 ${table}_${check}`)

function formatRefuses(entry: Entry): boolean {
  try {
    encodeCanonical(entry)
    return false
  } catch (error) {
    if (error instanceof FormatError) return true
    throw error
  }
}

const entry = (change: Row): Row => ({ ...entryRow(ENTRY), ...change })
const genesis = (change: Row): Row => ({ ...entryRow({ ...ENTRY, seq: 1 }), ...change })
const pii = (change: Row): Row => ({ ...PII, ...change })
const context = (change: Row): Row => ({ ...CONTEXT, ...change })
const key = (change: Row): Row => ({ ...KEY, ...change })
const head = (change: Row): Row => ({ ...HEAD, ...change })
const reveal = (change: Row): Row => ({
  domain_id: DOMAIN,
  seq: 3,
  subject_pseudonym: bytes(32),
  reason: 'x',
  ...change,
})
const stamp = (change: Row): Row => ({
  domain_id: DOMAIN,
  seq: 1,
  archived_at: 'now',
  archive_etag: '',
  ...change,
})
const checkpoint = (change: Row): Row => ({ ...CHECKPOINT, ...change })
const tile = (change: Row): Row => ({ ...TILE, ...change })
const finding = (change: Row): Row => ({ ...FINDING, ...change })
const RELEASED: Row = { released_at: 'now', release_reason: 'x' }
const hold = (row: Row) => ({ domain_id: DOMAIN, reason: 'x', ...row })
const block = (row: Row) => ({ domain_id: DOMAIN, subject_pseudonym: bytes(32), ...row })
const policy = (row: Row) => ({ domain_id: DOMAIN, chain_years: 7, personal_days: 1, ...row })

const apiKey = (change: Row): Row => ({ ...API_KEY, ...change })
const tuple = (change: Row): Row => ({ ...TUPLE, ...change })
const accessPolicy = (domain_id: string): Row => ({ domain_id, erase_owner_only: true })

/** Returns a JSON object whose text has the given number of bytes. */
function metadata(length: number): string {
  const text = JSON.stringify({ k: `${'é'.repeat(100)}1e300` })
  return text + ' '.repeat(length - Buffer.byteLength(text))
}

const ROW_CASES: readonly (readonly [table: string, row: Row, refusedBy: string])[] = [
  ['audit_log_entry', entry({ generation: 1 }), ''],
  ['audit_log_entry', entry({ generation: 2 }), 'generation_known'],
  ['audit_log_entry', entry({ reason: 4 }), ''],
  ['audit_log_entry', entry({ reason: 0 }), 'reason_range'],
  ['audit_log_entry', entry({ reason: 5 }), 'reason_range'],
  ['audit_log_entry', entry({ reason: 257 }), 'reason_range'],
  ['audit_log_entry', entry({ recorded_at: 'infinity' }), 'recorded_at_range'],
  ['audit_log_entry', entry({ recorded_at: '-infinity' }), 'recorded_at_range'],
  ['audit_log_entry', entry({ subject_pseudonym: bytes(31) }), 'subject_pseudonym_bytes'],
  ['audit_log_entry', entry({ subject_pseudonym: bytes(33) }), 'subject_pseudonym_bytes'],
  ['audit_log_entry', entry({ prev_hash: bytes(31) }), 'prev_hash_bytes'],
  ['audit_log_entry', entry({ prev_hash: bytes(33) }), 'prev_hash_bytes'],
  ['audit_log_entry', entry({ entry_hash: bytes(31) }), 'entry_hash_bytes'],
  ['audit_log_entry', entry({ entry_hash: bytes(33) }), 'entry_hash_bytes'],
  ['audit_log_entry', genesis({ prev_hash: bytes(32, 1) }), 'genesis_prev_hash'],
  ['audit_log_entry', genesis({ prev_hash: bytes(32, 0) }), ''],
  ['audit_log_entry', entry({ relation_path: '{b,a}' }), ''],
  ['audit_log_entry', entry({ relation_path: '{{a,b}}' }), 'relation_path_array'],
  ['audit_log_entry', entry({ relation_path: '[0:1]={a,b}' }), 'relation_path_array'],
  ['audit_log_entry', entry({ relation_path: '[2:3]={a,b}' }), 'relation_path_array'],
  ['audit_log_entry', entry({ relation_path: '{a,NULL}' }), 'relation_path_array'],
  ['audit_log_entry', entry({ caveat_context: '{a,b}' }), ''],
  ['audit_log_entry', entry({ caveat_context: '{{a,b}}' }), 'caveat_array'],
  ['audit_log_entry', entry({ caveat_context: '[0:1]={a,b}' }), 'caveat_array'],
  ['audit_log_entry', entry({ caveat_context: '{a,NULL}' }), 'caveat_array'],

  ['audit_domain', { domain_id: PLATFORM_ANCHOR }, ''],
  ['audit_domain', { domain_id: NIL_UUID }, 'not_nil'],
  ['audit_reconcile', { domain_id: DOMAIN }, ''],
  ['audit_reconcile', { domain_id: NIL_UUID }, 'domain_not_nil'],
  ['audit_reconcile', { domain_id: DOMAIN, verified_seq: 0 }, 'verified_seq_range'],
  ['audit_reconcile', { domain_id: DOMAIN, verified_hash: bytes(31) }, 'verified_hash_bytes'],
  ['audit_reconcile', { domain_id: DOMAIN, boot_seq: -1, boot_started_at: 'now' }, 'boot_seq_range'],
  ['audit_reconcile', { domain_id: DOMAIN, boot_hash: bytes(31) }, 'boot_hash_bytes'],
  ['audit_reconcile', { domain_id: DOMAIN, boot_seq: 1 }, 'boot_whole'],
  ['audit_mirror_marker', { marker_id: DOMAIN }, ''],
  ['audit_mirror_marker', { marker_id: NIL_UUID }, 'id_not_nil'],
  ['audit_mirror_marker', { marker_id: DOMAIN, only_row: false }, 'one_row'],
  ['audit_identity_reveal', reveal({}), ''],
  ['audit_identity_reveal', reveal({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_identity_reveal', reveal({ seq: 0 }), 'seq_range'],
  ['audit_identity_reveal', reveal({ subject_pseudonym: bytes(31) }), 'subject_pseudonym_bytes'],
  ['audit_identity_reveal', reveal({ reason: '' }), 'reason_bytes'],
  ['audit_identity_reveal', reveal({ reason: a(1024) }), ''],
  ['audit_identity_reveal', reveal({ reason: a(1025) }), 'reason_bytes'],
  ['audit_checkpoint', checkpoint({}), ''],
  ['audit_checkpoint', checkpoint({ domain_id: PLATFORM_ANCHOR, platform_seq: LIMITS.maxSeq }), ''],
  ['audit_checkpoint', checkpoint({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_checkpoint', checkpoint({ incarnation: 0 }), 'incarnation_range'],
  ['audit_checkpoint', checkpoint({ incarnation: MAX_INCARNATION }), ''],
  ['audit_checkpoint', checkpoint({ incarnation: MAX_INCARNATION + 1 }), 'incarnation_range'],
  ['audit_checkpoint', checkpoint({ size: 0 }), 'size_range'],
  ['audit_checkpoint', checkpoint({ size: LIMITS.maxSeq }), ''],
  ['audit_checkpoint', checkpoint({ size: LIMITS.maxSeq + 1 }), 'size_range'],
  ['audit_checkpoint', checkpoint({ root: bytes(31) }), 'root_bytes'],
  ['audit_checkpoint', checkpoint({ root: bytes(33) }), 'root_bytes'],
  ['audit_checkpoint', checkpoint({ entry_hash: bytes(31) }), 'entry_hash_bytes'],
  ['audit_checkpoint', checkpoint({ entry_hash: bytes(33) }), 'entry_hash_bytes'],
  ['audit_checkpoint', checkpoint({ note: '' }), 'note_bytes'],
  ['audit_checkpoint', checkpoint({ note: 'é'.repeat(32 * 1024) }), ''],
  ['audit_checkpoint', checkpoint({ note: a(64 * 1024 + 1) }), 'note_bytes'],
  ['audit_checkpoint', checkpoint({ platform_seq: 0 }), 'platform_seq_range'],
  ['audit_checkpoint', checkpoint({ platform_seq: LIMITS.maxSeq + 1 }), 'platform_seq_range'],
  ['audit_checkpoint', checkpoint({ signed_at: 'infinity' }), 'signed_at_range'],
  ['audit_checkpoint', checkpoint({ signed_at: '-infinity' }), 'signed_at_range'],
  ['audit_tlog_tile', tile({}), ''],
  ['audit_tlog_tile', tile({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_tlog_tile', tile({ incarnation: 0 }), 'incarnation_range'],
  ['audit_tlog_tile', tile({ incarnation: MAX_INCARNATION + 1 }), 'incarnation_range'],
  ['audit_tlog_tile', tile({ level: -1 }), 'level_range'],
  ['audit_tlog_tile', tile({ level: 5, tile_index: 2 ** 45 - 1 }), ''],
  ['audit_tlog_tile', tile({ level: 6 }), 'level_range'],
  ['audit_tlog_tile', tile({ tile_index: -1 }), 'tile_index_range'],
  ['audit_tlog_tile', tile({ tile_index: 2 ** 45 }), 'tile_index_range'],
  ['audit_tlog_tile', tile({ hashes: bytes(8191) }), 'hashes_bytes'],
  ['audit_tlog_tile', tile({ hashes: bytes(8193) }), 'hashes_bytes'],
  ['audit_claim', { purpose: 'archive', domain_id: DOMAIN, holder: DOMAIN }, ''],
  ['audit_claim', { purpose: 'backfill', domain_id: DOMAIN, holder: DOMAIN }, ''],
  ['audit_claim', { purpose: 'restore', domain_id: DOMAIN, holder: DOMAIN }, ''],
  ['audit_claim', { purpose: 'other', domain_id: DOMAIN, holder: DOMAIN }, 'purpose_known'],
  ['audit_claim', { purpose: 'archive', domain_id: NIL_UUID, holder: DOMAIN }, 'domain_not_nil'],
  ['audit_archive_stamp', stamp({}), ''],
  ['audit_archive_stamp', stamp({ seq: LIMITS.maxSeq }), ''],
  ['audit_archive_stamp', stamp({ archived_at: 'infinity' }), ''],
  ['audit_archive_stamp', stamp({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_archive_stamp', stamp({ seq: 0 }), 'seq_range'],
  ['audit_archive_stamp', stamp({ seq: LIMITS.maxSeq + 1 }), 'seq_range'],
  ['audit_archive_watermark', { domain_id: DOMAIN, seq: 0 }, ''],
  ['audit_archive_watermark', { domain_id: DOMAIN, seq: LIMITS.maxSeq }, ''],
  ['audit_archive_watermark', { domain_id: NIL_UUID, seq: 1 }, 'domain_not_nil'],
  ['audit_archive_watermark', { domain_id: DOMAIN, seq: -1 }, 'seq_range'],
  ['audit_archive_watermark', { domain_id: DOMAIN, seq: LIMITS.maxSeq + 1 }, 'seq_range'],
  ['audit_restore', { domain_id: DOMAIN, mirror_url: 'file:///m' }, ''],
  ['audit_restore', { domain_id: NIL_UUID, mirror_url: 'file:///m' }, 'domain_not_nil'],
  ['audit_restore', { domain_id: DOMAIN, mirror_url: '' }, 'mirror_url_bytes'],
  ['audit_restore', { domain_id: DOMAIN, mirror_url: 'x'.repeat(4097) }, 'mirror_url_bytes'],

  ['audit_log_chain_head', head({ next_seq: 1 }), ''],
  ['audit_log_chain_head', head({ next_seq: 0 }), 'next_seq_range'],
  ['audit_log_chain_head', head({ next_seq: '9007199254740992' }), ''],
  ['audit_log_chain_head', head({ next_seq: '9007199254740993' }), 'next_seq_range'],
  ['audit_log_chain_head', head({ head_hash: bytes(31) }), 'head_hash_bytes'],
  ['audit_log_chain_head', head({ head_hash: bytes(33) }), 'head_hash_bytes'],
  ['audit_log_chain_head', head({ domain_id: NIL_UUID }), 'domain_not_nil'],

  ['audit_subject_pii', pii({}), ''],
  ['audit_subject_pii', pii({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_subject_pii', pii({ subject_pseudonym: bytes(31) }), 'subject_pseudonym_bytes'],
  ['audit_subject_pii', pii({ subject_pseudonym: bytes(33) }), 'subject_pseudonym_bytes'],
  ['audit_subject_pii', pii({ subject_plaintext: 'é'.repeat(LIMITS.plaintextBytes / 2) }), ''],
  ['audit_subject_pii', pii({ subject_plaintext: a(LIMITS.plaintextBytes + 1) }), 'subject_plaintext_bytes'],
  ['audit_subject_pii', pii({ email_claim: 'é'.repeat(LIMITS.emailBytes / 2) }), ''],
  ['audit_subject_pii', pii({ email_claim: a(LIMITS.emailBytes + 1) }), 'email_claim_bytes'],
  [
    'audit_subject_pii',
    pii({ idp_claim_names: many(LIMITS.claimNames, () => a(LIMITS.claimNameBytes)) }),
    '',
  ],
  ['audit_subject_pii', pii({ idp_claim_names: many(LIMITS.claimNames + 1, name) }), 'idp_claim_names_array'],
  ['audit_subject_pii', pii({ idp_claim_names: [a(LIMITS.claimNameBytes + 1)] }), 'idp_claim_names_bytes'],
  ['audit_subject_pii', pii({ idp_claim_names: '{a,NULL}' }), 'idp_claim_names_array'],
  ['audit_subject_pii', pii({ idp_claim_names: '{{a}}' }), 'idp_claim_names_array'],
  ['audit_subject_pii', pii({ idp_claim_names: '[0:0]={a}' }), 'idp_claim_names_array'],

  ['audit_entry_context', context({}), ''],
  ['audit_entry_context', context({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_entry_context', context({ seq: 0 }), 'seq_range'],
  ['audit_entry_context', context({ seq: String(LIMITS.maxSeq) }), ''],
  ['audit_entry_context', context({ seq: '9007199254740992' }), 'seq_range'],
  ['audit_entry_context', context({ user_agent: 'é'.repeat(LIMITS.userAgentBytes / 2) }), ''],
  ['audit_entry_context', context({ user_agent: a(LIMITS.userAgentBytes + 1) }), 'user_agent_bytes'],
  ['audit_entry_context', context({ metadata: metadata(LIMITS.metadataBytes) }), ''],
  ['audit_entry_context', context({ metadata: metadata(LIMITS.metadataBytes + 1) }), 'metadata_bytes'],
  ['audit_entry_context', context({ metadata: '{}' }), ''],
  ['audit_entry_context', context({ metadata: '[]' }), 'metadata_object'],
  ['audit_entry_context', context({ metadata: '"{}"' }), 'metadata_object'],
  ['audit_entry_context', context({ metadata: 'null' }), 'metadata_object'],
  ['audit_entry_context', context({ metadata: String.raw`{"a":"\u0000"}` }), 'metadata_no_nul'],
  ['audit_entry_context', context({ metadata: String.raw`{"\\\u0000":1}` }), 'metadata_no_nul'],
  ['audit_entry_context', context({ metadata: String.raw`{"a":"\\u0000"}` }), ''],

  ['audit_tamper_quarantine', finding({}), ''],
  ['audit_idempotency_key', key({}), ''],
  ['audit_idempotency_key', key({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_idempotency_key', key({ fingerprint: bytes(31) }), 'fingerprint_bytes'],
  ['audit_idempotency_key', key({ seq: 0 }), 'seq_range'],
  ['audit_idempotency_key', key({ subject_pseudonym: bytes(33) }), 'subject_pseudonym_bytes'],
  ['audit_tamper_quarantine', finding({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_tamper_quarantine', finding({ expected_hash: bytes(32), observed_hash: bytes(32) }), ''],
  ['audit_tamper_quarantine', finding({ expected_hash: bytes(31) }), 'expected_hash_bytes'],
  ['audit_tamper_quarantine', finding({ observed_hash: bytes(33) }), 'observed_hash_bytes'],
  ['audit_tamper_quarantine', finding({ fingerprint: bytes(31) }), 'fingerprint_bytes'],
  ['audit_tamper_quarantine', finding({ acknowledge_reason: 'x' }), 'acknowledged_whole'],
  ['audit_tamper_quarantine', finding({ acknowledged_at: 'now' }), 'acknowledged_whole'],

  ['audit_legal_hold', hold({}), ''],
  ['audit_legal_hold', hold({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_legal_hold', hold({ subject_pseudonym: bytes(31) }), 'subject_pseudonym_bytes'],
  ['audit_legal_hold', hold({ subject_pseudonym: bytes(32), identity_id: DOMAIN }), ''],
  ['audit_legal_hold', hold({ identity_id: DOMAIN }), 'identity_of_subject'],
  ['audit_legal_hold', hold({ reason: '' }), 'reason_bytes'],
  ['audit_legal_hold', hold({ reason: 'é'.repeat(512) }), ''],
  ['audit_legal_hold', hold({ reason: a(1025) }), 'reason_bytes'],
  ['audit_legal_hold', hold({ reason: '', ...RELEASED }), ''],
  ['audit_legal_hold', hold({ ...RELEASED, release_reason: a(1025) }), 'release_reason_bytes'],
  ['audit_legal_hold', hold({ released_at: 'now' }), 'released_whole'],
  ['audit_legal_hold', hold({ release_reason: 'x' }), 'released_whole'],
  [
    'audit_legal_hold',
    hold({ ...RELEASED, subject_pseudonym: bytes(32), identity_id: DOMAIN }),
    'released_whole',
  ],

  ['audit_subject_block', block({}), ''],
  ['audit_subject_block', block({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_subject_block', block({ subject_pseudonym: bytes(33) }), 'subject_pseudonym_bytes'],

  ['audit_retention_policy', policy({}), ''],
  ['audit_retention_policy', policy({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_retention_policy', policy({ chain_years: 6 }), 'chain_years_range'],
  ['audit_retention_policy', policy({ chain_years: 100 }), ''],
  ['audit_retention_policy', policy({ chain_years: 101 }), 'chain_years_range'],
  ['audit_retention_policy', policy({ personal_days: 0 }), 'personal_days_range'],
  ['audit_retention_policy', policy({ personal_days: 36_501 }), 'personal_days_range'],

  ['audit_api_key', apiKey({}), ''],
  ['audit_api_key', apiKey({ domain_id: NIL_UUID }), 'domain_not_nil'],
  ['audit_api_key', apiKey({ key_id: 'ak_0123456789abcdeg' }), 'key_id_form'],
  ['audit_api_key', apiKey({ subject: 'service:x' }), ''],
  ['audit_api_key', apiKey({ subject: 'group:x#member' }), 'subject_form'],
  ['audit_api_key', apiKey({ subject: 'user:' }), 'subject_form'],
  ['audit_api_key', apiKey({ subject: `user:${'é'.repeat(256)}` }), ''],
  ['audit_api_key', apiKey({ subject: `user:${a(513)}` }), 'subject_form'],
  ['audit_api_key', apiKey({ relation: 'manage' }), 'relation_known'],
  ['audit_api_key', apiKey({ secret_sha256: bytes(31) }), 'secret_sha256_bytes'],
  ['audit_api_key', apiKey({ revoked_at: 'now' }), 'revoked_forgets'],
  ['audit_api_key', apiKey({ subject: null }), 'revoked_forgets'],
  ['audit_api_key', apiKey({ revoked_at: 'now', subject: null }), ''],

  ['audit_relation_tuple', tuple({}), ''],
  ['audit_relation_tuple', tuple({ object: 'platform:platform', relation: 'owner' }), ''],
  ['audit_relation_tuple', tuple({ object: 'platform:other' }), 'object_form'],
  ['audit_relation_tuple', tuple({ object: `domain:${DOMAIN}x` }), 'object_form'],
  ['audit_relation_tuple', tuple({ object: `domain:${DOMAIN.toUpperCase()}a` }), 'object_form'],
  ['audit_relation_tuple', tuple({ object: `group:${a(128)}`, relation: 'member' }), ''],
  ['audit_relation_tuple', tuple({ object: `group:${a(129)}`, relation: 'member' }), 'object_form'],
  ['audit_relation_tuple', tuple({ object: 'group:g#member', relation: 'member' }), 'object_form'],
  ['audit_relation_tuple', tuple({ object: 'group:g' }), 'relation_known'],
  ['audit_relation_tuple', tuple({ relation: 'manage' }), 'relation_known'],
  ['audit_relation_tuple', tuple({ subject: 'group:g#member' }), ''],
  ['audit_relation_tuple', tuple({ subject: 'group:g' }), 'subject_form'],
  ['audit_relation_tuple', tuple({ subject: 'group:g#owner' }), 'subject_form'],
  ['audit_relation_tuple', tuple({ subject: 'robot:r' }), 'subject_form'],
  ['audit_relation_tuple', tuple({ subject: `service:${a(513)}` }), 'subject_form'],

  ['audit_access_policy', accessPolicy(DOMAIN), ''],
  ['audit_access_policy', accessPolicy(NIL_UUID), 'domain_not_nil'],
]

describe('the CHECKs, for rows at their limits', () => {
  for (const [i, [table, row, refusedBy]] of ROW_CASES.entries()) {
    it(`${i} ${table}: ${refusedBy || 'accepted'}`, async () => {
      expect(await outcome(client, () => insert(client, table, row))).toBe(refusal(table, refusedBy))
    })
  }
})

describe('the coverage of CHECKs and columns', () => {
  it('includes a case above for every CHECK', async () => {
    const { rows } = await client.query<{ conname: string }>(
      `SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text LIKE 'audit\\_%'
         AND conrelid::regclass::text <> 'audit_schema_migration' ORDER BY conname`,
    )
    const entries = ENTRY_CASES.map(([, , refusedBy]) => `audit_log_entry_${refusedBy}`)
    const others = ROW_CASES.map(([table, , refusedBy]) => `${table}_${refusedBy}`)
    const covered = new Set([...entries, ...others])
    expect(rows.map(({ conname }) => conname).filter((check) => !covered.has(check))).toEqual([])
    expect(rows.length).toBeGreaterThan(30)
  })

  it.each(Object.keys(entryRow(ENTRY)))('includes NULL, which %s rejects', async (column) => {
    expect(await outcome(client, () => insert(client, 'audit_log_entry', entry({ [column]: null })))).toBe(
      '23502',
    )
  })

  it('includes U+0000, which no text can hold', async () => {
    expect(await outcome(client, () => insert(client, 'audit_log_entry', entry({ relation: 'a\0b' })))).toBe(
      '22021',
    )
  })
})

describe('unique constraints', () => {
  it.each([
    ['audit_log_entry', entry({}), entry({ prev_hash: bytes(32, 9) }), 'audit_log_entry_pkey'],
    ['audit_idempotency_key', key({}), key({ seq: 3 }), 'audit_idempotency_key_pkey'],
    [
      'audit_tamper_quarantine',
      finding({ fingerprint: bytes(32) }),
      finding({ fingerprint: bytes(32), source: 'both' }),
      'audit_tamper_quarantine_once',
    ],
  ])('reject a second row in %s, case %#', async (table, first, second, constraint) => {
    const both = async () => {
      await insert(client, table, first)
      await insert(client, table, second)
    }
    expect(await outcome(client, both)).toBe(`23505 ${constraint}`)
  })

  it('accept a second finding about the same rows that has another fingerprint', async () => {
    const both = async () => {
      await insert(client, 'audit_tamper_quarantine', finding({ fingerprint: bytes(32) }))
      await insert(client, 'audit_tamper_quarantine', finding({ fingerprint: bytes(32, 9) }))
    }
    expect(await outcome(client, both)).toBe('')
  })
})

describe('the search_path of a caller', () => {
  it('does not redirect the functions that the CHECKs call', async () => {
    const hijack = async () => {
      await client.query(`
        CREATE SCHEMA evil;
        CREATE FUNCTION evil.cardinality(text[]) RETURNS integer LANGUAGE sql AS 'SELECT 0';
        CREATE FUNCTION evil.audit_each_item_bytes(text[], integer, integer) RETURNS boolean
          LANGUAGE sql AS 'SELECT true';
        SET LOCAL search_path = evil, public, pg_catalog`)
      await insert(client, 'audit_log_entry', entry({ relation_path: [a(513)] }))
    }
    expect(await outcome(client, hijack)).toBe('23514 audit_log_entry_relation_path_bytes')
  })
})
