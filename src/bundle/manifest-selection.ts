import { formatTimestamp } from '../chain/timestamp.js'
import type { ExportRequest } from '../ports/bundle.js'
import type { Selection, SelectionFilter } from './selection.js'

/** A filter as the manifest spells it. */
export interface SelectionFilterJson {
  readonly subject_pseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object_type?: string | undefined
  readonly object_id?: string | undefined
  readonly reason?: string | undefined
  readonly correlation_id?: string | undefined
}

/** A selection as the manifest spells it. */
export interface SelectionJson {
  readonly kind: Selection['kind']
  readonly from_seq: number
  readonly to_seq: number
  readonly to_end: boolean
  /** The requested times, RFC 3339. No reader needs them. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly filter: SelectionFilterJson
}

/** Returns the selection of a manifest, with keys in the manifest's order. */
export function selectionJson(
  { kind, fromSeq, toSeq, toEnd, filter }: Selection,
  { from, to }: Pick<ExportRequest, 'from' | 'to'>,
): SelectionJson {
  return {
    kind,
    from_seq: fromSeq,
    to_seq: toSeq,
    to_end: toEnd,
    ...(from !== undefined && { from: formatTimestamp(from) }),
    ...(to !== undefined && { to: formatTimestamp(to) }),
    filter: filterJson(filter),
  }
}

/** Returns a filter in the words of the manifest. */
export function filterJson(filter: SelectionFilter): SelectionFilterJson {
  const { subjectPseudonym, relation, objectType, objectId, reason, correlationId } = filter
  return {
    ...(subjectPseudonym !== undefined && { subject_pseudonym: subjectPseudonym }),
    ...(relation !== undefined && { relation }),
    ...(objectType !== undefined && { object_type: objectType }),
    ...(objectId !== undefined && { object_id: objectId }),
    ...(reason !== undefined && { reason }),
    ...(correlationId !== undefined && { correlation_id: correlationId }),
  }
}

/** Returns what a reader needs of the selection of a manifest. */
export function selectionOf({ kind, from_seq, to_seq, to_end, filter }: SelectionJson): Selection {
  return { kind, fromSeq: from_seq, toSeq: to_seq, toEnd: to_end, filter: filterOf(filter) }
}

function filterOf(filter: SelectionFilterJson): SelectionFilter {
  const { subject_pseudonym, relation, object_type, object_id, reason, correlation_id } = filter
  return {
    ...(subject_pseudonym !== undefined && { subjectPseudonym: subject_pseudonym }),
    ...(relation !== undefined && { relation }),
    ...(object_type !== undefined && { objectType: object_type }),
    ...(object_id !== undefined && { objectId: object_id }),
    ...(reason !== undefined && { reason }),
    ...(correlation_id !== undefined && { correlationId: correlation_id }),
  }
}
