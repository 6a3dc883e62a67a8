import { type AuditEntry, auditEntry, auditEntryList, auditEntryProof } from '../../json/entry.js'
import type { ReadEntry } from '../../ports/query.js'
import type { ProvenEntry } from '../../query/get.js'
import type { EntryPage } from '../../query/list.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Cell, keyValues, table } from '../output/table.js'

const ENTRY_HEAD = ['seq', 'occurred_at', 'reason', 'subject', 'relation', 'object', 'correlation_id']

/** How `list --all` prints its rows. */
export const ENTRY_LIST = { toJson: auditEntry, head: ENTRY_HEAD, toRow: entryRow }

/** Prints one page, as JSON or as a table. */
export async function printPage(page: EntryPage, json: boolean, out: Output): Promise<void> {
  const { entries, nextCursor } = page
  if (json) {
    await out.json(auditEntryList(page))
    return
  }
  if (entries.length === 0) note('no rows')
  else await out.line(await table(ENTRY_HEAD, entries.map(entryRow), out))
  if (nextCursor !== undefined) note(`more rows follow: --cursor=${nextCursor}`)
}

/** Prints one row with its proof, as JSON or as one field per line. */
export async function printProof(proven: ProvenEntry, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(auditEntryProof(proven))
  else await out.line(keyValues(entryFields(proven)))
}

/** Returns one line of a list. Cuts the pseudonym to a length that still distinguishes people; `get` and --json print it whole. */
function entryRow(row: ReadEntry): Cell[] {
  const entry = auditEntry(row)
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

/** Returns every field of one row, the ones that only its canonical bytes hold included. */
function entryFields(proven: ProvenEntry): (readonly [string, Cell])[] {
  const { entry, proof } = auditEntryProof(proven)
  const { relationPath = [], zedtoken } = proven.entry
  return [
    ['seq', entry.seq],
    ['domain_id', entry.domain_id],
    ['occurred_at', entry.occurred_at],
    ['reason', entry.reason],
    ['subject', entry.subject.pseudonym],
    ['relation', entry.relation],
    ['object', objectText(entry)],
    ...relationPath.map((step, index) => [`relation_path ${index + 1}`, step] as const),
    ['caveat_context', caveatText(entry)],
    ['correlation_id', entry.correlation_id || undefined],
    ['zedtoken', zedtoken || undefined],
    ['prev_hash', proof.prev_hash],
    ['entry_hash', proof.entry_hash],
    ['canonical_bytes', proof.canonical_bytes],
    ['proof', proven.recomputes ? 'recomputes to entry_hash' : 'DOES NOT RECOMPUTE to entry_hash'],
    // These follow the proof on purpose: no hash covers them, so an edit of them stays undetected.
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
