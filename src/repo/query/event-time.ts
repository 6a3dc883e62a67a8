import { formatTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter } from '../../ports/query.js'
import type { Client } from '../session/database.js'
import type { Bind } from '../session/keyset-page.js'

type EventRange = Pick<EntryFilter, 'eventFrom' | 'eventTo'>

/** Most rows whose seqs are collected for one page. To sort as many takes about 5 ms. */
const FEW = 20_000

/** How the rows of a range of event times are found. */
export type EventPlan = 'none' | 'collect' | 'probe'

/**
 * Returns how to find the rows of a range of event times. Events are imported in any order, so no index has both the range
 * and the order of seq. A few rows are collected by their times and sorted. With many, one of the next rows is likely to be
 * in the range, so rows are read in order of seq, and the context of each is looked at.
 */
export async function eventPlan(client: Client, domainId: string, range: EventRange): Promise<EventPlan> {
  if (range.eventFrom === undefined && range.eventTo === undefined) return 'none'
  const values: unknown[] = [domainId]
  const where = inRange(range, (value) => `$${values.push(value)}`)
  const counted = `SELECT FROM audit_entry_context c WHERE ${where} LIMIT ${FEW + 1}`
  const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int FROM (${counted}) c`, values)
  return (rows[0]?.count ?? 0) > FEW ? 'probe' : 'collect'
}

/** Returns the condition on the rows of `entries`, a name in the FROM of the query. Needs $1, the domain_id. */
export function eventConditions(plan: EventPlan, range: EventRange, entries: string, bind: Bind): string[] {
  if (plan === 'none') return []
  const contexts = (more: string) => `FROM audit_entry_context c WHERE ${inRange(range, bind)}${more}`
  if (plan === 'collect') return [`${entries}.seq = ANY (ARRAY(SELECT c.seq ${contexts('')}))`]
  // OFFSET 0 keeps the planner from a join, which would lose the order of seq.
  return [`EXISTS (SELECT ${contexts(` AND c.seq = ${entries}.seq OFFSET 0`)})`]
}

/** event_time IS NOT NULL lets the planner use the partial index. */
function inRange({ eventFrom, eventTo }: EventRange, bind: Bind): string {
  const bound = (operator: string, micros: bigint | undefined) =>
    micros === undefined ? [] : [`c.event_time ${operator} ${bind(formatTimestamp(micros))}::timestamptz`]
  return [
    'c.domain_id = $1',
    'c.event_time IS NOT NULL',
    ...bound('>=', eventFrom),
    ...bound('<=', eventTo),
  ].join(' AND ')
}

/** Implements EntryReader.hasEventTimes. */
export async function hasEventTimes(client: Client, domainId: string): Promise<boolean> {
  const { rows } = await client.query<{ any: boolean }>(
    `SELECT EXISTS (SELECT FROM audit_entry_context WHERE domain_id = $1 AND event_time IS NOT NULL) AS any`,
    [domainId],
  )
  return rows[0]?.any === true
}
