import { type Reason, reasonName } from '../chain/reason.js'
import type { ReadTime } from './wire-time.js'

/** `unknown`: no reason is stored, or an ordinal outside 1 to 4. */
export type RowReason = Reason | 'unknown'

/** Which rows of a chain to select. All given conditions must hold; an absent field does not filter. */
export interface RowFilter {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  /** The text before the first colon. A text without a colon is both the type and the id. */
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  /** The row has any one of these. An empty list does not filter. */
  readonly reasons?: readonly RowReason[] | undefined
  /** Earliest recorded_at, inclusive, in microseconds since 1970-01-01T00:00:00Z. */
  readonly from?: bigint | undefined
  /** Latest recorded_at, inclusive. */
  readonly to?: bigint | undefined
  readonly correlationId?: string | undefined
}

/** Returns whether a filter has no condition, and so selects every row. */
export function isUnfiltered(filter: RowFilter): boolean {
  return Object.values(filter).every(
    (value) => value === undefined || (Array.isArray(value) && value.length === 0),
  )
}

/** The fields of a row that a filter compares. A field that is absent in a row matches no value. */
export interface FilteredFields {
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object?: string | undefined
  /** 1 to 4, or a value that was forced into the table. */
  readonly reason?: number | undefined
  readonly recordedAt?: ReadTime | undefined
  readonly correlationId?: string | undefined
  readonly generation?: number | undefined
  /** Why the stored bytes could not be decoded. */
  readonly problem?: string | undefined
}

/** The generation of a row whose fields this program can read (src/chain/FORMAT.md). */
export const KNOWN_GENERATION = 1

/**
 * Returns whether the fields of a row cannot be read: its bytes cannot be decoded, or they are of a generation that this
 * program does not know.
 */
export function isUnreadable({ problem, generation = KNOWN_GENERATION, relation }: FilteredFields): boolean {
  return problem !== undefined || (relation === undefined && generation !== KNOWN_GENERATION)
}

/**
 * Returns whether a filter selects a row. No condition selects a row that cannot be read. Otherwise selects the rows that the SQL conditions of a list by the primary key select
 * (`entryConditions`), so that each source gives the same rows.
 */
export function matches(filter: RowFilter, row: FilteredFields): boolean {
  if (isUnreadable(row)) return isUnfiltered(filter)
  return (
    isWanted(filter.subjectPseudonym, row.subjectPseudonym) &&
    isWanted(filter.relation, row.relation) &&
    isWanted(filter.correlationId, row.correlationId) &&
    hasReason(filter.reasons, row.reason) &&
    hasObject(filter, row.object) &&
    isInTime(filter, row.recordedAt)
  )
}

/** Returns the name of a stored reason. */
export function rowReason(ordinal: number | undefined): RowReason {
  return (ordinal === undefined ? undefined : reasonName(ordinal)) ?? 'unknown'
}

function isWanted(wanted: string | undefined, value: string | undefined): boolean {
  return wanted === undefined || wanted === value
}

function hasReason(reasons: readonly RowReason[] = [], ordinal: number | undefined): boolean {
  return reasons.length === 0 || reasons.includes(rowReason(ordinal))
}

function hasObject({ objectType, objectId }: RowFilter, object: string | undefined): boolean {
  if (objectType === undefined && objectId === undefined) return true
  if (object === undefined) return false
  const colon = object.indexOf(':')
  const type = colon < 0 ? object : object.slice(0, colon)
  return isWanted(objectType, type) && isWanted(objectId, object.slice(colon + 1))
}

function isInTime({ from, to }: RowFilter, time: ReadTime | undefined): boolean {
  if (from === undefined && to === undefined) return true
  if (time === undefined) return false
  if (time === 'infinity') return to === undefined
  if (time === '-infinity') return from === undefined
  return (from === undefined || time >= from) && (to === undefined || time <= to)
}
