import { SELF_AUDIT } from '../../chain/self-audit.js'
import type { ChainWrites } from './append-ledger.js'
import { entryLiterals } from './entry-literals.js'

/** One chain, as it is after COMMIT. */
export interface Found {
  readonly domain_id: string
  readonly next_seq: string | null
  readonly head_hash: string | null
  readonly rows: number
  readonly is_last: boolean | null
  readonly contexts: number
  readonly subjects: number
  readonly keys: number
  readonly is_erased: boolean
}

/** What is compared with the stored last row, by column: the values of {@link entryLiterals}. */
const LAST = [
  'generation',
  'subject_pseudonym',
  'relation',
  'object',
  'reason',
  'relation_path',
  'caveat_context',
].concat(['correlation_id', 'zedtoken', 'recorded_at', 'prev_hash', 'entry_hash'])
const columnsOf = (table: string) => LAST.map((column) => `${table}.${column}`).join(', ')

/** Scalar subqueries, as when a chain is opened. Reads only tables that were written to: a role may lack the privilege. */
export function lookAt(chains: readonly ChainWrites[]): string {
  const orZero = (isWritten: (chain: ChainWrites) => boolean, count: string) =>
    chains.some(isWritten) ? count : '0'
  return `SELECT w.domain_id::text AS domain_id,
    (SELECT next_seq FROM audit_log_chain_head h WHERE h.domain_id = w.domain_id LIMIT 1) AS next_seq,
    (SELECT encode(head_hash, 'hex') FROM audit_log_chain_head h WHERE h.domain_id = w.domain_id LIMIT 1) AS head_hash,
    (SELECT count(*)::int FROM audit_log_entry e
     WHERE e.domain_id = w.domain_id AND e.seq BETWEEN w.first AND w.last) AS rows,
    (SELECT (${columnsOf('e')}) IS NOT DISTINCT FROM (${columnsOf('w')}) FROM audit_log_entry e
     WHERE e.domain_id = w.domain_id AND e.seq = w.last LIMIT 1) AS is_last,
    ${orZero(({ contexts }) => contexts > 0, CONTEXTS)} AS contexts,
    ${orZero(({ subjects }) => subjects.size > 0, SUBJECTS)} AS subjects,
    ${orZero(({ keys }) => keys.length > 0, KEYS)} AS keys,
    coalesce((SELECT true FROM audit_log_entry e WHERE e.domain_id = w.domain_id AND e.seq > w.last
      AND e.relation IN ('${SELF_AUDIT.eraseIdentity}', '${SELF_AUDIT.retentionPurge}') LIMIT 1), false) AS is_erased
  FROM (VALUES ${chains.map(valuesOf).join(', ')})
    AS w(domain_id, first, last, subjects, keys, key_subjects, ${LAST.join(', ')})`
}

const CONTEXTS = `(SELECT count(*)::int FROM audit_entry_context c
      WHERE c.domain_id = w.domain_id AND c.seq BETWEEN w.first AND w.last)`

/** LIMIT makes one index lookup for each subject and key, whatever the planner believes. EXISTS read those of the whole chain. */
const SUBJECTS = `(SELECT count(*)::int FROM unnest(w.subjects) AS s(subject) WHERE (
      SELECT true FROM audit_subject_pii p
      WHERE p.domain_id = w.domain_id AND p.subject_pseudonym = decode(s.subject, 'hex') LIMIT 1))`

const KEYS = `(SELECT count(*)::int FROM unnest(w.keys, w.key_subjects) AS g(key, subject) WHERE coalesce((
      SELECT true FROM audit_idempotency_key k
      WHERE k.domain_id = w.domain_id AND k.key = g.key AND k.seq BETWEEN w.first AND w.last LIMIT 1), (
      SELECT true FROM audit_log_entry e
      WHERE e.domain_id = w.domain_id AND substr(e.object, strpos(e.object, ':') + 1) = g.subject
        AND e.object = 'identity:' || g.subject AND e.relation = '${SELF_AUDIT.eraseIdentity}' LIMIT 1)))`

function valuesOf({ domainId, first, last, subjects, keys }: ChainWrites): string {
  const list = (items: readonly string[], type: string) => `'{${items.join(',')}}'::${type}[]`
  return `(${[
    `'${domainId}'::uuid`,
    `${first}::bigint`,
    `${last.entry.seq}::bigint`,
    list([...subjects], 'text'),
    list(
      keys.map(({ key }) => key),
      'uuid',
    ),
    list(
      keys.map(({ subjectPseudonym }) => subjectPseudonym),
      'text',
    ),
    ...entryLiterals(last),
  ].join(', ')})`
}
