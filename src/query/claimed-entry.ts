import type { FieldValue, RowFields } from '../chain/evidence/finding-evidence.js'
import { FormatError } from '../chain/format-error.js'
import { isHash } from '../chain/hash.js'
import { isReason, reasonOrdinal } from '../chain/reason.js'
import { parseTimestamp } from '../chain/timestamp.js'
import type { ClaimedFields, ReadEntry } from '../ports/query.js'

/** Returns what a malformed object says of its row, as far as an entry can show it; undefined where it says nothing. */
export function claimedEntry(fields: RowFields = {}): ClaimedFields | undefined {
  const claimed = Object.entries(CLAIMS).flatMap(([name, read]) => {
    const value = read(fields)
    return value === undefined ? [] : [[name, value] as const]
  })
  return claimed.length === 0 ? undefined : Object.fromEntries(claimed)
}

/** Returns a row as it is shown: with what its malformed object claims. Filters and counts do not believe these fields. */
export function shownEntry(row: ReadEntry): ReadEntry {
  return row.claimed === undefined ? row : { ...row, ...row.claimed }
}

const CLAIMS: { readonly [F in keyof ClaimedFields]-?: (fields: RowFields) => ClaimedFields[F] } = {
  subjectPseudonym: (fields) => hash(fields.subject_pseudonym),
  relation: (fields) => text(fields.relation),
  object: (fields) => text(fields.object),
  reason: (fields) => {
    const name = text(fields.reason)
    return name !== undefined && isReason(name) ? reasonOrdinal(name) : undefined
  },
  relationPath: (fields) => list(fields.relation_path),
  caveatContext: (fields) => list(fields.caveat_context),
  correlationId: (fields) => text(fields.correlation_id),
  zedtoken: (fields) => text(fields.zedtoken),
  recordedAt: (fields) => time(fields.recorded_at),
  prevHash: (fields) => hash(fields.prev_hash),
  entryHash: (fields) => hash(fields.entry_hash),
}

function text(value: FieldValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function list(value: FieldValue | undefined): readonly string[] | undefined {
  return typeof value === 'object' ? value : undefined
}

/** A pseudonym has the form of a hash. */
function hash(value: FieldValue | undefined): string | undefined {
  return typeof value === 'string' && isHash(value) ? value : undefined
}

function time(value: FieldValue | undefined): bigint | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return parseTimestamp(value)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
