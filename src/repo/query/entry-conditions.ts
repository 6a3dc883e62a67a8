import type { RowReason } from '../../base/row-filter.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter } from '../../ports/query.js'
import { type Bind, equals } from '../session/keyset-page.js'
import type { SeqBounds } from '../time-range/seq-bounds.js'

/**
 * Returns the conditions of a filter. Each expression on `object` has an index in migrations/. `bounds` is the range of seqs that
 * the filter's time range is; without it, every row is compared.
 */
export function entryConditions(filter: EntryFilter, bind: Bind, bounds: SeqBounds = {}): string[] {
  return [
    ...fieldConditions(filter, bind),
    ...boundConditions(bounds, bind),
    ...timeConditions(filter, bind),
    ...reasonConditions(filter),
  ]
}

/**
 * Returns the conditions of a filter as alternatives that exclude each other: one list of conditions for each reason. Every
 * alternative has an index with the order of seq, and a condition on several reasons has none.
 */
export function alternativeConditions(filter: EntryFilter, bind: Bind, bounds: SeqBounds): string[][] {
  const common = entryConditions({ ...filter, reasons: undefined }, bind, bounds)
  const reasons = reasonAlternatives(filter)
  return reasons.length === 0 ? [common] : reasons.map((reason) => [...common, reason])
}

function fieldConditions(filter: EntryFilter, bind: Bind): string[] {
  const { subjectPseudonym, relation, correlationId } = filter
  return [
    ...equals('subject_pseudonym', subjectPseudonym && Buffer.from(subjectPseudonym, 'hex'), bind),
    ...equals('relation', relation, bind),
    ...objectConditions(filter, bind),
    ...equals('correlation_id', correlationId, bind),
  ]
}

function objectConditions({ objectType, objectId }: EntryFilter, bind: Bind): string[] {
  return [
    ...equals("split_part(object, ':', 1)", objectType, bind),
    ...equals("substr(object, strpos(object, ':') + 1)", objectId, bind),
  ]
}

function reasonConditions(filter: EntryFilter): string[] {
  const alternatives = reasonAlternatives(filter)
  return alternatives.length > 1 ? [`(${alternatives.join(' OR ')})`] : alternatives
}

function reasonAlternatives({ reasons = [] }: EntryFilter): string[] {
  return [...new Set(reasons)].map(reasonCondition)
}

function reasonCondition(reason: RowReason): string {
  if (reason === 'unknown') return '(reason < 1 OR reason > 4 OR reason IS NULL)'
  // The value is a literal: for a parameter, a generic plan cannot use the index whose predicate is `reason <> 1`.
  return `reason = ${reasonOrdinal(reason)}`
}

function boundConditions({ first, end }: SeqBounds, bind: Bind): string[] {
  return [
    ...(first === undefined ? [] : [`seq >= ${bind(first)}`]),
    ...(end === undefined ? [] : [`seq < ${bind(end)}`]),
  ]
}

/**
 * Returns the conditions on the time of each row. On a chain whose recorded_at was edited, the range of seqs may hold rows of other
 * times, and none of them is shown.
 */
function timeConditions({ from, to }: EntryFilter, bind: Bind): string[] {
  const compare = (operator: string, micros: bigint | undefined) =>
    micros === undefined ? [] : [`recorded_at ${operator} ${bind(formatTimestamp(micros))}::timestamptz`]
  return [...compare('>=', from), ...compare('<=', to)]
}
