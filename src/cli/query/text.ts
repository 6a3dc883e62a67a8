import { wireTime } from '../../base/wire-time.js'
import { checkedAuditEntry, checkedEntryProof, withContext } from '../../json/checked-entry.js'
import type { AuditEntry } from '../../json/entry.js'
import type { ReadEntry, TimeOrder } from '../../ports/query.js'
import type { EntryProof } from '../../query/get.js'
import type { CheckedEntry } from '../../query/row-judge.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Cell, type Heading, keyValues, printTable } from '../output/table.js'
import { readableCells } from './readable-cells.js'

const ENTRY_HEAD: readonly Heading[] = [
  'seq',
  { title: 'check', tone: (check) => (check === 'ok' ? 'good' : 'bad') },
  { title: 'recorded_at', short: 'time' },
  { title: 'reason', tone: (reason) => (reason === 'granted' ? undefined : 'warn') },
  { title: 'subject', short: 'digest', drop: 2, dropLate: true },
  'relation',
  'object',
  { title: 'correlation_id', short: 'id', drop: 1 },
]

/** How `list` prints its rows. */
export const ENTRY_LIST = { toJson: checkedAuditEntry, head: ENTRY_HEAD, toRow: entryRow }

/** How `list --context` prints its rows. */
export const CONTEXT_LIST: typeof ENTRY_LIST = {
  toJson: withContext,
  head: [
    ...ENTRY_HEAD,
    { title: 'not hashed: event_time', short: 'time', below: { group: 'not hashed', name: 'event_time' } },
    { title: 'not hashed: ip', below: { group: 'not hashed', name: 'ip' } },
    { title: 'not hashed: user_agent', below: { group: 'not hashed', name: 'user_agent' } },
    {
      title: 'not hashed: metadata',
      short: 'excerpt',
      below: { group: 'not hashed', name: 'metadata' },
    },
  ],
  toRow: (row) => [...entryRow(row), ...contextCells(row.entry)],
}

/** A page whose rows were recomputed. */
export interface CheckedPage {
  readonly entries: readonly CheckedEntry[]
  readonly nextCursor?: string | undefined
  /** Absent where rows are not selected by time. */
  readonly timeOrder?: TimeOrder | undefined
}

/** Prints one page, as JSON or as a table. */
export async function printPage(
  { entries, nextCursor, timeOrder }: CheckedPage,
  json: boolean,
  out: Output,
  view = ENTRY_LIST,
): Promise<void> {
  if (json) {
    const items = entries.map(view.toJson)
    await out.json({
      items,
      ...(nextCursor !== undefined && { next_cursor: nextCursor }),
      ...(timeOrder !== undefined && { time_order: timeOrder }),
    })
    return
  }
  if (entries.length === 0) note('no rows')
  else await printTable(view.head, entries.map(view.toRow), out)
  if (nextCursor !== undefined) note(`more rows follow: --cursor=${nextCursor}`)
}

/** Prints one row with its proof, as JSON or as one field per line. `context`: whether the copy holds contexts. */
export async function printProof(
  proven: EntryProof,
  { json, context }: { readonly json: boolean; readonly context: boolean },
  out: Output,
): Promise<void> {
  if (json) await out.json(checkedEntryProof(proven, { context }))
  else await out.line(keyValues(entryFields(proven)))
}

/** Returns one line of a list. */
function entryRow(row: CheckedEntry): Cell[] {
  const entry = checkedAuditEntry(row)
  const { time, reason } = readableCells(row.entry, entry)
  return [
    entry.seq,
    entry.check,
    time,
    reason,
    entry.subject.pseudonym,
    entry.relation,
    objectText(entry),
    entry.correlation_id,
  ]
}

function contextCells({ eventTime, ip, userAgent, metadata }: ReadEntry): Cell[] {
  return [eventTime === undefined ? undefined : wireTime(eventTime), ip, userAgent, metadata]
}

/** Returns every field of one row, the ones that only its canonical bytes hold included. */
function entryFields(proven: EntryProof): (readonly [string, Cell])[] {
  const { entry, proof } = checkedEntryProof(proven, { context: true })
  const { time, reason } = readableCells(proven.entry, entry)
  return [
    ['seq', entry.seq],
    ['domain_id', entry.domain_id],
    ['recorded_at', time],
    ['reason', reason],
    ['subject', entry.subject.pseudonym],
    ['relation', entry.relation],
    ['object', objectText(entry)],
    ...entry.relation_path.map((step, index) => [`relation_path ${index + 1}`, step] as const),
    ['caveat_context', caveatText(entry)],
    ['correlation_id', entry.correlation_id || undefined],
    ['zedtoken', entry.zedtoken || undefined],
    ['prev_hash', proof.prev_hash],
    ['entry_hash', proof.entry_hash],
    ['canonical_bytes', proof.canonical_bytes],
    ['check', entry.check],
    ['proof', proofText(proven)],
    ...(proven.entry.claimed === undefined
      ? []
      : [['fields', 'as the malformed object claims them; no hash covers them'] as const]),
    // These follow the proof on purpose: no hash covers them, so an edit of them stays undetected.
    ...(hasUnproven(entry) || (proven.entry.metadata ?? proven.entry.revealReason) !== undefined
      ? [
          [
            'not covered by the hash',
            'what follows is off the chain: an edit of it stays undetected',
          ] as const,
        ]
      : []),
    ['identity_id_ref', entry.subject.identity_id_ref],
    ['reason of the reveal', proven.entry.revealReason],
    ['event_time', entry.context?.event_time],
    ['ip', entry.request_context.ip],
    ['user_agent', entry.request_context.user_agent],
    ...metadataFields(proven.entry),
    ['archived_at', entry.archived_at],
    ['archive_etag', entry.archive_etag],
  ]
}

function proofText({ problem, entry }: EntryProof): string {
  if (problem === undefined) return 'recomputes to entry_hash'
  return entry.own?.recompute === true
    ? 'the canonical bytes recompute to entry_hash; THE FIELDS DO NOT MATCH THEM'
    : 'DOES NOT RECOMPUTE to entry_hash'
}

function hasUnproven({ subject, request_context: context, archived_at }: AuditEntry): boolean {
  return [subject.identity_id_ref, context.ip, context.user_agent, archived_at].some(
    (value) => value !== undefined,
  )
}

/**
 * Returns a field for each member of the metadata; an import keeps the event's own time and id there. Nested metadata is
 * one field, as it is stored.
 */
function metadataFields({ metadata }: ReadEntry): (readonly [string, Cell])[] {
  if (metadata === undefined) return []
  const members = Object.entries(JSON.parse(metadata) as Readonly<Record<string, unknown>>)
  if (members.some(([, value]) => typeof value === 'object')) return [['metadata', metadata]]
  return members.map(([name, value]) => ['metadata', `${name}: ${String(value)}`])
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
