import {
  A,
  ALL,
  type Attack,
  broken,
  duplicate,
  found,
  gap,
  head,
  malformed,
  mismatch,
  missing,
  PLATFORM,
  unseen,
} from './attack.js'
import { a, type PlainRow, rehashed } from './chains.js'
import {
  change,
  dropRegistration,
  insert,
  moveHead,
  NO_CHECKS,
  NO_KEYS,
  nullable,
  remove,
  set,
} from './statements.js'

const forged = (seq: number) => rehashed({ ...a(seq), relation: 'project.delete' })
const edited = { ...a(4), relation: 'project.delete' }
const COPY_OF_ALL = `INSERT INTO audit_log_entry SELECT * FROM audit_log_entry WHERE domain_id = '${A}';`

const DUPLICATED: readonly Attack[] = [
  found('duplicated: a row', NO_KEYS + insert(a(4)), [duplicate(a(4), a(4))]),
  found('duplicated: the genesis row', NO_KEYS + insert(a(1)), [duplicate(a(1), a(1))]),
  found('duplicated: the last row', NO_KEYS + insert(a(8)), [duplicate(a(8), a(8))]),
  found('duplicated: a row by a forged one', NO_KEYS + insert(forged(4)), [duplicate(a(4), forged(4))]),
  found('duplicated: a row by one that does not hash', NO_KEYS + insert(edited), [
    mismatch(edited),
    duplicate(a(4), edited),
  ]),
  found('duplicated: the last row by a forged one', NO_KEYS + insert(forged(8)), [
    duplicate(a(8), forged(8)),
  ]),
  found(
    'duplicated: the last row by a forged one, the head moved to it',
    NO_KEYS + insert(forged(8)) + moveHead(8, forged(8).entryHash),
    [duplicate(a(8), forged(8))],
  ),
  found('duplicated: every row', NO_KEYS + COPY_OF_ALL, [{ ...duplicate(a(1), a(1)), seq_to: 8 }]),
  found('duplicated: a row, and the one after it deleted', NO_KEYS + insert(a(4)) + remove('seq = 5'), [
    duplicate(a(4), a(4)),
    gap(5, 5, a(6).prevHash),
  ]),
]

const F = 'f'.repeat(64)
const untouched = a(4).entryHash
const PATH = a(4)
  .relationPath.map((item) => `"${item}"`)
  .join(',')
const CAVEATS = a(4).caveatContext.join(',')

/** A column with a value that the format cannot hold. The hashes are not changed: the items of an array are the hashed ones. */
const shape = (what: string, sql: string) =>
  found(`malformed: ${what}`, NO_CHECKS + set(4, sql), [malformed(4, untouched)])

const SHAPES: readonly Attack[] = [
  shape('a reason with the true low byte', 'reason = 257'),
  shape('a negative reason with the true low byte', 'reason = -255'),
  shape('a second dimension in relation_path', `relation_path = '{{${PATH}}}'`),
  shape('a lower bound of 0 in relation_path', `relation_path = '[0:2]={${PATH}}'`),
  shape('a NULL among relation_path', `relation_path = '{${PATH},NULL}'`),
  shape('a second dimension in caveat_context', `caveat_context = '{{${CAVEATS}}}'`),
  shape('a lower bound of 0 in caveat_context', `caveat_context = '[0:2]={${CAVEATS}}'`),
  shape('a NULL among caveat_context', `caveat_context = '{${CAVEATS},NULL}'`),
  shape('{{a,b}}', `relation_path = '{{a,b}}'`),
  shape('[0:1]={a,b}', `relation_path = '[0:1]={a,b}'`),
  shape('an infinite recorded_at', `recorded_at = 'infinity'`),
  shape('an infinitely early recorded_at', `recorded_at = '-infinity'`),
  shape('a pseudonym of 31 bytes', `subject_pseudonym = substr(subject_pseudonym, 1, 31)`),
  shape('a pseudonym of 33 bytes', `subject_pseudonym = subject_pseudonym || '\\x00'`),
  shape('a prev_hash of 31 bytes', `prev_hash = substr(prev_hash, 1, 31)`),
  shape('a prev_hash of 33 bytes', `prev_hash = prev_hash || '\\x00'`),
  found(
    'malformed: a reason with the true low byte, and another entry_hash',
    NO_CHECKS + set(4, 'reason = 257') + change(4, { entryHash: F }),
    [malformed(4, F), broken(5, F, a(5).prevHash)],
  ),
  found(
    'malformed: a reason with the true low byte, and another prev_hash',
    NO_CHECKS + set(4, 'reason = 257') + change(4, { prevHash: F }),
    [malformed(4, untouched), broken(4, a(3).entryHash, F)],
  ),
]

const setHead = (sql: string) => `UPDATE audit_log_chain_head SET ${sql} WHERE domain_id = '${A}';`
const SHORT_HEAD =
  'ALTER TABLE audit_log_chain_head DROP CONSTRAINT audit_log_chain_head_head_hash_bytes;' +
  setHead('head_hash = substr(head_hash, 1, 31)')

/** Without a hash of 32 bytes there is nothing to print, and nothing to compare the next row or the head with. */
const NO_HASH: readonly Attack[] = [
  found(
    'malformed: an entry_hash of 31 bytes',
    NO_CHECKS + set(4, 'entry_hash = substr(entry_hash, 1, 31)'),
    [malformed(4)],
  ),
  found('malformed: an entry_hash of 33 bytes', NO_CHECKS + set(4, `entry_hash = entry_hash || '\\x00'`), [
    malformed(4),
  ]),
  found(
    'malformed: the last entry_hash of 31 bytes',
    NO_CHECKS + set(8, 'entry_hash = substr(entry_hash, 1, 31)'),
    [malformed(8)],
  ),
  found(
    'malformed: the last entry_hash of 33 bytes',
    NO_CHECKS + set(8, `entry_hash = entry_hash || '\\x00'`),
    [malformed(8)],
  ),
  found('malformed: an empty entry_hash', NO_CHECKS + set(4, `entry_hash = ''`), [malformed(4)]),
  found('NULL: entry_hash', nullable('entry_hash') + set(4, 'entry_hash = NULL'), [malformed(4)]),
  found('NULL: entry_hash of the last row', nullable('entry_hash') + set(8, 'entry_hash = NULL'), [
    malformed(8),
  ]),
  found('the head’s hash of 31 bytes', SHORT_HEAD, [head(8, 8, { expected: a(8).entryHash })]),
  found(
    'NULL: the head’s hash',
    nullable('head_hash', 'audit_log_chain_head') + setHead('head_hash = NULL'),
    [head(8, 8, { expected: a(8).entryHash })],
  ),
  found(
    'NULL: the head’s next_seq',
    nullable('next_seq', 'audit_log_chain_head') + setHead('next_seq = NULL'),
    [head(8, 8, { expected: a(8).entryHash })],
  ),
]

const NULL_COLUMNS = [
  'generation',
  'reason',
  'recorded_at',
  'subject_pseudonym',
  'relation',
  'object',
  'relation_path',
  'caveat_context',
  'correlation_id',
  'zedtoken',
  'prev_hash',
]

const NULLS: readonly Attack[] = [
  ...NULL_COLUMNS.map((column) =>
    found(`NULL: ${column}`, nullable(column) + set(4, `${column} = NULL`), [malformed(4, untouched)]),
  ),
  found('NULL: seq', NO_KEYS + nullable('seq') + set(4, 'seq = NULL'), [
    malformed(0, untouched),
    gap(4, 4, a(5).prevHash),
  ]),
  found('NULL: domain_id', NO_KEYS + nullable('domain_id') + set(4, 'domain_id = NULL'), [
    gap(4, 4, a(5).prevHash),
  ]),
  found(
    'NULL: domain_id, every chain',
    NO_KEYS + nullable('domain_id') + set(4, 'domain_id = NULL'),
    [gap(4, 4, a(5).prevHash), { ...malformed(4), chain: PLATFORM }],
    ALL,
  ),
]

const at = (seq: number): PlainRow => rehashed({ ...a(8), seq, prevHash: a(8).entryHash })
const stranger = { ...at(1), domainId: '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a3' }
const MAX = Number.MAX_SAFE_INTEGER

const INSERTED: readonly Attack[] = [
  found('inserted: seq 0', NO_CHECKS + insert(at(0)), [malformed(0, at(0).entryHash)]),
  found('inserted: seq -1', NO_CHECKS + insert(at(-1)), [malformed(-1, at(-1).entryHash)]),
  found('inserted: seq 0 and -1', NO_CHECKS + NO_KEYS + insert(at(0)) + insert(at(-1)), [
    malformed(-1, at(-1).entryHash, 0),
  ]),
  found('inserted: seq 0, the genesis row deleted', NO_CHECKS + insert(at(0)) + remove('seq = 1'), [
    malformed(0, at(0).entryHash),
    gap(1, 1, a(2).prevHash),
  ]),
  unseen('inserted: seq 0, outside the segment', NO_CHECKS + insert(at(0)), [
    '--domain',
    A,
    '--from-seq',
    '2',
  ]),
  found('inserted: a row beyond the head', insert(at(9)), [
    head(9, 9, { expected: at(9).entryHash, observed: a(8).entryHash }),
  ]),
  found('inserted: a row far beyond the head', insert(at(MAX)), [
    gap(9, MAX - 1, a(8).entryHash),
    head(9, MAX, { expected: at(MAX).entryHash, observed: a(8).entryHash }),
  ]),
  found('inserted: a row beyond every seq', NO_CHECKS + insert(at(MAX + 1)), [
    head(9, MAX + 1, { expected: at(MAX + 1).entryHash, observed: a(8).entryHash }),
    malformed(MAX + 1, at(MAX + 1).entryHash),
  ]),
  unseen(
    'inserted: a row beyond the head, and the head with it',
    insert(at(9)) + moveHead(9, at(9).entryHash),
  ),
  found(
    'inserted: two rows beyond the head',
    insert(at(9)) + insert(rehashed({ ...at(10), prevHash: at(9).entryHash })),
    [
      head(9, 10, {
        expected: rehashed({ ...at(10), prevHash: at(9).entryHash }).entryHash,
        observed: a(8).entryHash,
      }),
    ],
  ),
  found(
    'inserted: a chain that was never created',
    NO_CHECKS + insert(stranger),
    [
      mismatch(stranger),
      broken(1, '0'.repeat(64), a(8).entryHash, 1, stranger.domainId),
      head(1, 1, { expected: stranger.entryHash }, stranger.domainId),
    ],
    ALL,
    'chain_not_recorded',
  ),
]

const UNKNOWN_GENERATION: readonly Attack[] = [
  found(
    'unknown generation: of a Domain without a registry entry, every chain',
    NO_CHECKS + set(4, 'generation = 2') + dropRegistration(A),
    [missing(A, 8)],
    ALL,
    'generation_unknown',
  ),
]

export const FORCED: readonly Attack[] = [
  ...DUPLICATED,
  ...SHAPES,
  ...NO_HASH,
  ...NULLS,
  ...INSERTED,
  ...UNKNOWN_GENERATION,
]
