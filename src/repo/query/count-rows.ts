import { startOf } from '../../base/time-buckets.js'
import { wireTime } from '../../base/wire-time.js'
import {
  type ChainCounts,
  type CountRequest,
  type CountStore,
  type Dimension,
  type DimensionCounts,
  MAX_VALUES,
} from '../../ports/stats.js'
import { whereAll } from '../session/by-key.js'
import type { Client, Database } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { ScanClient } from '../session/scan-client.js'
import { seqBounds } from '../time-range/seq-bounds.js'
import { entryConditions } from './entry-conditions.js'
import { eventConditions, eventPlan } from './event-time.js'
import { seqConditions } from './page-range.js'

/** The value of a row, as text that is never NULL. A time is the text of {@link microsOf}, or empty. */
const VALUES: Readonly<Record<Dimension, string>> = {
  reason: `CASE reason WHEN 1 THEN 'granted' WHEN 2 THEN 'out_of_scope' WHEN 3 THEN 'insufficient_relation'
    WHEN 4 THEN 'caveat_violation' ELSE 'unknown' END`,
  relation: "coalesce(relation, '')",
  'object-type': "coalesce(split_part(object, ':', 1), '')",
  subject: "coalesce(encode(subject_pseudonym, 'hex'), '')",
  day: `coalesce(${microsOf("date_trunc('day', recorded_at, 'UTC')")}, '')`,
  hour: `coalesce(${microsOf("date_trunc('hour', recorded_at, 'UTC')")}, '')`,
}

const DENIED = 'count(*) FILTER (WHERE reason IS DISTINCT FROM 1)'

/** Counts rows in PostgreSQL, by an aggregate for each dimension. Implements CountStore. */
export function postgresCounts(database: Database): CountStore {
  return {
    count: async (request, signal) => {
      const scan = await ScanClient.open(database, signal)
      try {
        return await scan.run((client) => countRows(client, request))
      } finally {
        await scan.close()
      }
    },
  }
}

async function countRows(client: Client, request: CountRequest): Promise<ChainCounts> {
  const values: unknown[] = [request.domainId]
  const bind = (value: unknown) => `$${values.push(value)}`
  const plan = await eventPlan(client, request.domainId, request.filter)
  const inTime = await seqBounds(client, request.domainId, request.filter)
  const where = whereAll([
    'domain_id = $1',
    ...seqConditions({ ...request.range, limit: 1 }, bind),
    ...entryConditions(request.filter, bind, inTime),
    ...eventConditions(plan, request.filter, 'audit_log_entry', bind),
  ])
  const totals = await totalsOf(client, where, values)
  const by = new Map<Dimension, DimensionCounts>()
  for (const dimension of request.dimensions) {
    by.set(dimension, await dimensionOf(client, dimension, where, values, request.values))
  }
  return { ...totals, by }
}

async function totalsOf(
  client: Client,
  where: string,
  values: readonly unknown[],
): Promise<Omit<ChainCounts, 'by'>> {
  const { rows } = await client.query<Record<'rows' | 'denied', string> & Record<string, string | null>>(
    `SELECT count(*) AS rows, ${DENIED} AS denied, min(seq) AS first_seq, max(seq) AS last_seq,
       ${microsOf('min(recorded_at)')} AS first_time, ${microsOf('max(recorded_at)')} AS last_time
     FROM audit_log_entry ${where}`,
    [...values],
  )
  const [row] = rows
  const seq = (text: string | null | undefined) => (text == null ? undefined : Number(text))
  return {
    rows: Number(row?.rows),
    denied: Number(row?.denied),
    // A row whose fields are NULL can be read all the same.
    unreadable: 0,
    firstSeq: seq(row?.first_seq),
    lastSeq: seq(row?.last_seq),
    firstRecordedAt: readTime(row?.first_time ?? null),
    lastRecordedAt: readTime(row?.last_time ?? null),
  }
}

interface GroupRow {
  readonly value: string
  readonly rows: string
  readonly denied: string
  readonly all_values: string
  readonly all_rows: string
  readonly all_denied: string
}

async function dimensionOf(
  client: Client,
  dimension: Dimension,
  where: string,
  values: readonly unknown[],
  wanted: number,
): Promise<DimensionCounts> {
  const isTime = dimension === 'day' || dimension === 'hour'
  const { rows } = await client.query<GroupRow>(
    `SELECT *, count(*) OVER () AS all_values, sum(rows) OVER () AS all_rows, sum(denied) OVER () AS all_denied
     FROM (SELECT ${VALUES[dimension]} AS value, count(*) AS rows, ${DENIED} AS denied
           FROM audit_log_entry ${where} GROUP BY 1) g
     ORDER BY rows DESC, value COLLATE "C" LIMIT $${values.length + 1}`,
    [...values, isTime ? MAX_VALUES : wanted],
  )
  const groups = rows.map((row) => ({
    value: isTime ? timeValue(dimension, row.value) : row.value,
    rows: Number(row.rows),
    denied: Number(row.denied),
  }))
  return { groups, rest: restOf(rows) }
}

function restOf(rows: readonly GroupRow[]): DimensionCounts['rest'] {
  const left = (all: 'all_rows' | 'all_denied', one: 'rows' | 'denied') =>
    Number(rows[0]?.[all] ?? 0) - rows.reduce((sum, row) => sum + Number(row[one]), 0)
  return {
    values: Number(rows[0]?.all_values ?? 0) - rows.length,
    rows: left('all_rows', 'rows'),
    denied: left('all_denied', 'denied'),
  }
}

function timeValue(dimension: 'day' | 'hour', micros: string): string {
  return micros === '' ? '' : startOf(dimension, wireTime(readTime(micros)))
}
