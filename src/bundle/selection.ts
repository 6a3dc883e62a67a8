import type { Entry } from '../chain/entry.js'
import { formatTimestamp } from '../chain/timestamp.js'
import type { ExportRequest, ExportSnapshot } from '../ports/bundle.js'
import { kindOf, type Selection, type SelectionFilter } from './manifest.js'

/** A selection as in the manifest, without its end. */
export type OpenSelection = Omit<Selection, 'to_seq'>

/** Returns the selection of an export. */
export function openSelection(
  { filter, from, to }: ExportRequest,
  { fromSeq, toSeq }: ExportSnapshot,
): OpenSelection {
  const wanted = selectionFilter(filter)
  // No reader can check whether the last row of a filtered selection is the last one that matches the filter.
  const toEnd = toSeq === undefined && Object.keys(wanted).length === 0
  const range = { from_seq: fromSeq, to_end: toEnd, filter: wanted }
  return {
    kind: kindOf({ ...range, to_seq: 0 }),
    ...range,
    ...(from !== undefined && { from: formatTimestamp(from) }),
    ...(to !== undefined && { to: formatTimestamp(to) }),
  }
}

/** Returns the selection with its end, with keys in the order of the manifest. */
export function closedSelection(open: OpenSelection, toSeq: number): Selection {
  const { kind, from_seq, to_end, from, to, filter } = open
  return {
    kind,
    from_seq,
    to_seq: toSeq,
    to_end,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    filter,
  }
}

function selectionFilter(filter: ExportRequest['filter']): SelectionFilter {
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

export function matches(entry: Entry, filter: SelectionFilter): boolean {
  const colon = entry.object.indexOf(':')
  const fields: Required<SelectionFilter> = {
    subject_pseudonym: entry.subjectPseudonym,
    relation: entry.relation,
    object_type: entry.object.slice(0, colon),
    object_id: entry.object.slice(colon + 1),
    reason: entry.reason,
    correlation_id: entry.correlationId,
  }
  return (Object.keys(filter) as (keyof SelectionFilter)[]).every((name) => filter[name] === fields[name])
}
