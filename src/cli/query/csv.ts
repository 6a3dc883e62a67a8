import { wireTime } from '../../base/wire-time.js'
import { checkedAuditEntry } from '../../json/checked-entry.js'
import type { CheckedEntry } from '../../query/row-judge.js'
import type { CsvCell } from '../output/csv.js'
import { jsonText } from '../output/safe-text.js'
import { readableCells } from './readable-cells.js'

const HEAD = [
  'domain_id',
  'seq',
  'check',
  'recorded_at',
  'reason',
  'subject',
  'relation',
  'object_type',
  'object_id',
  'relation_path',
  'caveat_context',
  'correlation_id',
  'zedtoken',
  'prev_hash',
  'entry_hash',
]

const NOT_HASHED = ['event_time', 'ip', 'user_agent', 'metadata'].map((name) => `not hashed: ${name}`)

/** Returns the names of the columns of a list as CSV. */
export function csvHead(withContext: boolean): readonly string[] {
  return withContext ? [...HEAD, ...NOT_HASHED] : HEAD
}

/** Returns a row of a list as CSV. Lists are JSON. */
export function csvCells(row: CheckedEntry, withContext: boolean): CsvCell[] {
  const entry = checkedAuditEntry(row)
  const { time, reason } = readableCells(row.entry, entry)
  const { eventTime, ip, userAgent, metadata } = row.entry
  const cells: CsvCell[] = [
    entry.domain_id,
    entry.seq,
    entry.check,
    time,
    reason,
    entry.subject.pseudonym,
    entry.relation,
    entry.object.type,
    entry.object.id,
    { json: jsonText(entry.relation_path) },
    { json: jsonText(entry.decision.caveat_context) },
    entry.correlation_id,
    entry.zedtoken,
    entry.prev_hash,
    entry.entry_hash,
  ]
  if (!withContext) return cells
  return [...cells, eventTime === undefined ? undefined : wireTime(eventTime), ip, userAgent, metadata]
}
