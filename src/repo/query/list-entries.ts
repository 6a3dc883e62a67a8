import type { EntryFilter, PageRange, ReadEntry } from '../../ports/query.js'
import { whereAll } from '../session/by-key.js'
import type { Client } from '../session/database.js'
import { seqBounds } from '../time-range/seq-bounds.js'
import { alternativeConditions } from './entry-conditions.js'
import { ENTRY_COLUMNS, ENTRY_JOINS, type EntryRow, readEntry } from './entry-row.js'
import { eventConditions, eventPlan } from './event-time.js'
import { direction, seqConditions } from './page-range.js'

/**
 * Implements EntryReader.page. The joins are outside the LIMIT, so that only the rows of the page cost a lookup. For several
 * reasons the page is the first rows of the pages of each.
 */
export async function listEntries(
  client: Client,
  domainId: string,
  filter: EntryFilter,
  range: PageRange,
): Promise<ReadEntry[]> {
  const values: unknown[] = [domainId]
  const bind = (value: unknown) => `$${values.push(value)}`
  const plan = await eventPlan(client, domainId, filter)
  const inEventTime = eventConditions(plan, filter, 'audit_log_entry', bind)
  const bounds = ['domain_id = $1', ...seqConditions(range, bind), ...inEventTime]
  const alternatives = alternativeConditions(
    filter,
    bind,
    await seqBounds(client, domainId, filter, range.timeOrder),
  )
  const first = `ORDER BY seq ${direction(range)} LIMIT ${bind(range.limit)}`
  const pages = alternatives.map(
    (conditions) => `SELECT * FROM audit_log_entry ${whereAll([...bounds, ...conditions])} ${first}`,
  )
  const page = pages.length === 1 ? pages.join() : `(${pages.join(') UNION ALL (')}) ${first}`
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM (${page}) e ${ENTRY_JOINS} ORDER BY e.seq ${direction(range)}`,
    values,
  )
  return rows.map(readEntry)
}
