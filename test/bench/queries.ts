import type { EntryFilter } from '../../src/ports/query.js'
import { PAGE_TRANSACTION } from '../../src/repo/query/entry-reader.js'
import { getEntries } from '../../src/repo/query/get-entry.js'
import { listEntries } from '../../src/repo/query/list-entries.js'
import { Database } from '../../src/repo/session/database.js'
import { benchEntry } from './input.js'
import type { Bench } from './subject.js'

interface Plan {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly Plans?: readonly Plan[]
}

interface Explained {
  readonly 'Planning Time': number
  readonly 'Execution Time': number
  readonly Plan: Plan
}

/** Measures get, and each filter of list with a common, a rare and an absent value: the database's time and its plan. */
export async function benchQueries(bench: Bench, domainId: string): Promise<void> {
  const database = new Database(bench.url)
  try {
    const client = await database.dedicated()
    await client.query('VACUUM ANALYZE audit_log_entry')
    await client.end()
    const filters = await filtersOf(database, domainId)
    for (const [name, filter, after] of filters) {
      await explain(database, `list ${name}`, PAGE_TRANSACTION, (client) =>
        listEntries(client, domainId, filter, { after, limit: 51 }),
      )
    }
    const middle = Math.round(bench.rows / 2)
    await explain(database, 'get by seq', 'BEGIN', (client) => getEntries(client, domainId, middle))
  } finally {
    await database.close()
  }
}

type NamedFilter = readonly [name: string, filter: EntryFilter, after: number]

async function filtersOf(database: Database, domainId: string): Promise<NamedFilter[]> {
  const middle = await database.read(async (client) => {
    const { rows } = await client.query<{ subject: string; us: string; seq: string }>(
      `SELECT encode(subject_pseudonym, 'hex') AS subject, seq,
         (extract(epoch FROM recorded_at) * 1000000)::bigint AS us
       FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq OFFSET 1000 LIMIT 1`,
      [domainId],
    )
    return rows[0]
  })
  const { relation, object, correlation_id: correlationId } = benchEntry(12_345)
  const [objectType = '', objectId = ''] = [
    object.slice(0, object.indexOf(':')),
    object.slice(object.indexOf(':') + 1),
  ]
  const from = BigInt(middle?.us ?? 0)
  return [
    ['without a filter', {}, 0],
    ['deep page', {}, 900_000],
    ['subject', { subjectPseudonym: middle?.subject ?? '' }, 0],
    ['subject, absent', { subjectPseudonym: 'ab'.repeat(32) }, 0],
    ['relation', { relation }, 0],
    ['relation, absent', { relation: 'no.such' }, 0],
    ['object type', { objectType }, 0],
    ['object type, absent', { objectType: 'none' }, 0],
    ['object id', { objectId }, 0],
    ['object type and id', { objectType, objectId }, 0],
    ['reason, common', { reasons: ['granted'] }, 0],
    ['reason, one in eight', { reasons: ['insufficient_relation'] }, 0],
    ['reason, absent', { reasons: ['out_of_scope'] }, 0],
    ['reason, unknown', { reasons: ['unknown'] }, 0],
    [
      'reason, any of four',
      { reasons: ['out_of_scope', 'insufficient_relation', 'caveat_violation', 'unknown'] },
      0,
    ],
    ['correlation id', { correlationId }, 0],
    ['correlation id, absent', { correlationId: 'none' }, 0],
    ['from', { from }, 0],
    ['to', { to: from }, 0],
    ['from and to', { from, to: from + 1_000_000n }, 0],
    ['from, future', { from: from + 10n ** 14n }, 0],
    [
      'all together',
      { subjectPseudonym: middle?.subject ?? '', relation, objectType, reasons: ['granted'], from },
      0,
    ],
  ]
}

type Query = (client: Parameters<typeof listEntries>[0]) => Promise<unknown>

/** Runs a statement of the product under EXPLAIN ANALYZE: the product's own text and values, not a copy. */
async function explain(database: Database, name: string, begin: string, query: Query): Promise<void> {
  await database.withTransaction(begin, async (client) => {
    const explained: Explained[] = []
    const spy = Object.create(client) as typeof client
    Object.assign(spy, {
      query: async (text: string, values: unknown[]) => {
        for (let round = 0; round < 3; round += 1) {
          const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values)
          explained.push(rows[0]['QUERY PLAN'][0])
        }
        return { rows: [] }
      },
    })
    await query(spy)
    const last = explained.at(-1)
    if (last === undefined) return
    const time = last['Planning Time'] + last['Execution Time']
    console.log(
      `${name.padEnd(38)} ${time.toFixed(2).padStart(8)} ms  (under 5)   ${scans(last.Plan).join(', ')}`,
    )
  })
}

/** Returns the leaves of a plan, which show the index that was used. */
function scans(plan: Plan): string[] {
  const own = plan['Index Name'] === undefined ? [] : [`${plan['Node Type']} ${plan['Index Name']}`]
  const bare = plan['Node Type'] === 'Seq Scan' || plan['Node Type'] === 'Sort' ? [plan['Node Type']] : []
  return [...new Set([...own, ...bare, ...(plan.Plans ?? []).flatMap(scans)])]
}
