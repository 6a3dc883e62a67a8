import type { ProvenEntry } from '../../query/get.js'
import type { AuditEntry } from '../../query/wire.js'
import type { Cell } from '../output/table.js'

export const ENTRY_HEAD = ['seq', 'occurred_at', 'reason', 'subject', 'relation', 'object', 'correlation_id']

/** One line of a list. The pseudonym is cut to what tells people apart; `get` and --json have all of it. */
export function entryRow(entry: AuditEntry): Cell[] {
  return [
    entry.seq,
    entry.occurred_at,
    entry.reason,
    `${entry.subject.pseudonym.slice(0, 12)}…`,
    entry.relation,
    objectText(entry),
    entry.correlation_id,
  ]
}

/** Everything there is to say of one row, also what only its canonical bytes hold. */
export function entryFields({
  proof: { entry, proof },
  ...proven
}: ProvenEntry): (readonly [string, Cell])[] {
  return [
    ['seq', entry.seq],
    ['domain_id', entry.domain_id],
    ['occurred_at', entry.occurred_at],
    ['reason', entry.reason],
    ['subject', entry.subject.pseudonym],
    ['relation', entry.relation],
    ['object', objectText(entry)],
    ...proven.relationPath.map((step, index) => [`relation_path ${index + 1}`, step] as const),
    ['caveat_context', caveatText(entry)],
    ['correlation_id', entry.correlation_id || undefined],
    ['zedtoken', proven.zedtoken || undefined],
    ['prev_hash', proof.prev_hash],
    ['entry_hash', proof.entry_hash],
    ['canonical_bytes', proof.canonical_bytes],
    ['proof', proven.recomputes ? 'recomputes to entry_hash' : 'DOES NOT RECOMPUTE to entry_hash'],
    // Below the proof on purpose: nothing convicts whoever edits these.
    ...(hasUnproven(entry) ? [['not proven', 'what follows is off the chain'] as const] : []),
    ['identity_id_ref', entry.subject.identity_id_ref],
    ['ip', entry.request_context.ip],
    ['user_agent', entry.request_context.user_agent],
    ['archived_at', entry.archived_at],
    ['archive_etag', entry.archive_etag],
  ]
}

function hasUnproven({ subject, request_context: context, archived_at }: AuditEntry): boolean {
  return [subject.identity_id_ref, context.ip, context.user_agent, archived_at].some(
    (value) => value !== undefined,
  )
}

function objectText({ object }: AuditEntry): string {
  return object.id === '' ? object.type : `${object.type}:${object.id}`
}

function caveatText({ decision }: AuditEntry): string | undefined {
  const names = Object.entries(decision.caveat_context).map(
    ([caveat, parameters]) => `${caveat}(${parameters.join(', ')})`,
  )
  return names.length === 0 ? undefined : names.join(' ')
}
