import { matches, type RowFilter } from '../base/row-filter.js'
import type { Entry } from '../chain/entry.js'
import { isReason, reasonOrdinal } from '../chain/reason.js'
import type { ExportRequest, ExportSnapshot } from '../ports/bundle.js'

/** The values that a row must have to be selected. An absent field matches every row. */
export interface SelectionFilter {
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  readonly reason?: string | undefined
  readonly correlationId?: string | undefined
}

/** The rows of a chain that a bundle holds. */
export interface Selection {
  /** The whole chain, a range without gaps, or the rows of a range that match a filter. */
  readonly kind: 'chain' | 'range' | 'filtered'
  readonly fromSeq: number
  readonly toSeq: number
  /** Whether the range goes on to the end of the chain at the time of the export. */
  readonly toEnd: boolean
  /** Has only the fields that it names: none of them is undefined. */
  readonly filter: SelectionFilter
}

/** The selection of an export, whose last seq is known at the end. */
export type OpenSelection = Omit<Selection, 'toSeq'>

/** Returns the selection of an export. */
export function openSelection(
  { filter: wanted }: ExportRequest,
  { fromSeq, toSeq }: ExportSnapshot,
): OpenSelection {
  const filter = selectionFilter(wanted)
  // No reader can check whether the last row of a filtered selection is the last one that matches the filter.
  const toEnd = toSeq === undefined && Object.keys(filter).length === 0
  const range = { fromSeq, toEnd, filter }
  return { kind: kindOf(range), ...range }
}

/** Returns the kind of a selection, from its other fields. */
export function kindOf({ fromSeq, toEnd, filter }: Omit<OpenSelection, 'kind'>): Selection['kind'] {
  if (Object.keys(filter).length > 0) return 'filtered'
  return fromSeq === 1 && toEnd ? 'chain' : 'range'
}

/** Returns the last seq of a selection that goes on to the end of its chain. */
export function endOf(fromSeq: number, lastSeq: number): number {
  return Math.max(fromSeq, lastSeq)
}

function selectionFilter(filter: ExportRequest['filter']): SelectionFilter {
  const { subjectPseudonym, relation, objectType, objectId, reason, correlationId } = filter
  return {
    ...(subjectPseudonym !== undefined && { subjectPseudonym }),
    ...(relation !== undefined && { relation }),
    ...(objectType !== undefined && { objectType }),
    ...(objectId !== undefined && { objectId }),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlationId }),
  }
}

/** Returns whether a selection has a row. */
export function selects({ reason, ...others }: SelectionFilter, entry: Entry): boolean {
  // A manifest may hold any text as the reason. A text that is no reason selects nothing.
  if (reason !== undefined && !isReason(reason)) return false
  const filter: RowFilter = { ...others, reasons: reason === undefined ? [] : [reason] }
  return matches(filter, { ...entry, reason: reasonOrdinal(entry.reason) })
}
