import { LIMITS } from '../../chain/limits.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter, ReadEntry } from '../../ports/query.js'
import type { Client } from '../session/database.js'
import { ENTRY_COLUMNS, type EntryRow, OFF_CHAIN_JOINS, readEntry } from './entry-row.js'
import { type Bind, equals } from './keyset-page.js'

/** EntryReader.page. The joins stand outside the LIMIT, so that they cost a lookup per row of the page alone. */
export async function listEntries(
  client: Client,
  domainId: string,
  filter: EntryFilter,
  range: { after: number; limit: number },
): Promise<ReadEntry[]> {
  const values: unknown[] = [domainId, range.after, range.limit]
  const bind = (value: unknown) => `$${values.push(value)}`
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS}
     FROM (
       SELECT * FROM audit_log_entry
       WHERE domain_id = $1 AND seq > $2 AND seq <= ${LIMITS.maxSeq}
         ${entryConditions(filter, bind)
           .map((condition) => `AND ${condition}`)
           .join(' ')}
       ORDER BY seq LIMIT $3
     ) e ${OFF_CHAIN_JOINS}
     ORDER BY e.seq`,
    values,
  )
  return rows.map(readEntry)
}

/** Every expression on `object` is one that an index of migrations/ is made on. A time range also needs $1, the domain_id. */
export function entryConditions(filter: EntryFilter, bind: Bind): string[] {
  const { subjectPseudonym, relation, correlationId } = filter
  return [
    ...equals('subject_pseudonym', subjectPseudonym && Buffer.from(subjectPseudonym, 'hex'), bind),
    ...equals('relation', relation, bind),
    ...objectConditions(filter, bind),
    ...reasonConditions(filter),
    ...equals('correlation_id', correlationId, bind),
    ...timeConditions(filter, bind),
  ]
}

function objectConditions({ objectType, objectId }: EntryFilter, bind: Bind): string[] {
  return [
    ...equals("split_part(object, ':', 1)", objectType, bind),
    ...equals("substr(object, strpos(object, ':') + 1)", objectId, bind),
  ]
}

function reasonConditions({ reason }: EntryFilter): string[] {
  if (reason === 'unknown') return ['(reason < 1 OR reason > 4 OR reason IS NULL)']
  // As a literal: the planner must see that it is in a partial index.
  return reason === undefined ? [] : [`reason = ${reasonOrdinal(reason)}`]
}

/**
 * recorded_at never runs backwards on a chain, so a time range is a seq range, found by two index probes, and the rows
 * in it come in order of seq without a sort. The times themselves are compared too: on a chain whose recorded_at was
 * edited the probes may be too narrow, but no row is shown that is outside the range. Verify reports the edit.
 * IS TRUE keeps the planner from an index on that comparison, whose rows it would have to sort (13 ms against 0.1).
 */
function timeConditions({ from, to }: EntryFilter, bind: Bind): string[] {
  const conditions: string[] = []
  if (from !== undefined) {
    const time = `${bind(formatTimestamp(from))}::timestamptz`
    conditions.push(`seq >= ${probe(`recorded_at >= ${time}`, 'ASC')}`, `(recorded_at >= ${time}) IS TRUE`)
  }
  if (to !== undefined) {
    const time = `${bind(formatTimestamp(to))}::timestamptz`
    conditions.push(`seq <= ${probe(`recorded_at <= ${time}`, 'DESC')}`, `(recorded_at <= ${time}) IS TRUE`)
  }
  return conditions
}

function probe(condition: string, order: 'ASC' | 'DESC'): string {
  return `(SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND ${condition}
           ORDER BY recorded_at ${order}, seq ${order} LIMIT 1)`
}
