import type { RowReason } from '../../base/row-filter.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter } from '../../ports/query.js'
import { type Bind, equals } from '../session/keyset-page.js'

/** Returns the conditions of a filter. Each expression on `object` has an index in migrations/. A time range needs $1, the domain_id. */
export function entryConditions(filter: EntryFilter, bind: Bind): string[] {
  return [...fieldConditions(filter, bind), ...timeConditions(filter, bind), ...reasonConditions(filter)]
}

/**
 * Returns the conditions of a filter as alternatives that exclude each other: one list of conditions for each reason. Every
 * alternative has an index with the order of seq, and a condition on several reasons has none.
 */
export function alternativeConditions(filter: EntryFilter, bind: Bind): string[][] {
  const common = entryConditions({ ...filter, reasons: undefined }, bind)
  const reasons = reasonAlternatives(filter)
  return reasons.length === 0 ? [common] : reasons.map((reason) => [...common, reason])
}

/** Returns the conditions of a filter for a query that reads no other index than the primary key. */
export function keyConditions(filter: EntryFilter, bind: Bind): string[] {
  const { from, to } = filter
  return [
    ...fieldConditions(filter, bind),
    ...reasonConditions(filter),
    ...(from === undefined ? [] : [`recorded_at >= ${timeOf(from, bind)}`]),
    ...(to === undefined ? [] : [`recorded_at <= ${timeOf(to, bind)}`]),
  ]
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
  // The value is a literal, so that the planner can match it to a partial index.
  return `reason = ${reasonOrdinal(reason)}`
}

/**
 * Returns the conditions of a time range. recorded_at never runs backwards on a chain, so a time range is a seq range:
 * two index probes find its ends, and its rows come in order of seq without a sort.
 *
 * The times themselves are compared too. On a chain whose recorded_at was edited, the seq range may be too narrow, but no
 * row outside the time range is shown; verify reports the edit. IS TRUE keeps the planner from using an index for this
 * comparison, because it would have to sort the rows of that index (13 ms instead of 0.1).
 */
function timeConditions({ from, to }: EntryFilter, bind: Bind): string[] {
  const conditions: string[] = []
  if (from !== undefined) {
    const time = timeOf(from, bind)
    conditions.push(`seq >= ${probe(`recorded_at >= ${time}`, 'ASC')}`, `(recorded_at >= ${time}) IS TRUE`)
  }
  if (to !== undefined) {
    const time = timeOf(to, bind)
    conditions.push(`seq <= ${probe(`recorded_at <= ${time}`, 'DESC')}`, `(recorded_at <= ${time}) IS TRUE`)
  }
  return conditions
}

function timeOf(micros: bigint, bind: Bind): string {
  return `${bind(formatTimestamp(micros))}::timestamptz`
}

function probe(condition: string, order: 'ASC' | 'DESC'): string {
  return `(SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND ${condition}
           ORDER BY recorded_at ${order}, seq ${order} LIMIT 1)`
}
