import type { EntryFilter, PageRange, ReadEntry } from '../../ports/query.js'
import { assureKey, rowsByKey, whereAll } from '../session/by-key.js'
import type { Client } from '../session/database.js'
import { entryConditions } from './entry-conditions.js'
import { ENTRY_COLUMNS, ENTRY_JOINS, type EntryRow, readEntry } from './entry-row.js'
import { eventConditions, eventPlan } from './event-time.js'
import { direction, seqConditions } from './page-range.js'

/** Implements EntryReader.page without any index of a filter. */
export async function listByKey(
  client: Client,
  domainId: string,
  filter: EntryFilter,
  range: PageRange,
): Promise<ReadEntry[]> {
  const values: unknown[] = [domainId]
  const bind = (value: unknown) => `$${values.push(value)}`
  const order = direction(range)
  const rows = rowsByKey(['domain_id = $1', ...seqConditions(range, bind)], { order })
  const plan = await eventPlan(client, domainId, filter)
  const wanted = whereAll([...entryConditions(filter, bind), ...eventConditions(plan, filter, 'k', bind)])
  const query = `SELECT ${ENTRY_COLUMNS}
    FROM (SELECT * FROM ${rows} k ${wanted} ORDER BY seq ${order} LIMIT ${bind(range.limit)}) e
    ${ENTRY_JOINS} ORDER BY e.seq ${order}`
  await assureKey(client, query, values)
  return (await client.query<EntryRow>(query, values)).rows.map(readEntry)
}
