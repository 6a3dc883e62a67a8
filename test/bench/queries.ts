import type { EntryFilter } from '../../src/ports/query.js'
import { countAhead } from '../../src/repo/query/count-ahead.js'
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

/**
 * Measures get, and each filter of list with a common, a rare and an absent value, alone and with a time range: the database's
 * time and its plan, on a table that was analysed and on one that never was.
 */
export async function benchQueries(bench: Bench, domainId: string): Promise<void> {
  const database = new Database(bench.url)
  const client = await database.dedicated()
  try {
    await client.query('VACUUM ANALYZE audit_log_entry')
    const filters = await filtersOf(database, domainId)
    const middle = Math.round(bench.rows / 2)
    const measures: (readonly [string, string, Query])[] = [
      ...filters.map(([name, filter, after]): [string, string, Query] => [
        `list ${name}`,
        PAGE_TRANSACTION,
        (one) => listEntries(one, domainId, filter, { after, limit: 51 }),
      ]),
      ['count of rows ahead of the clock', 'BEGIN', (one) => countAhead(one, domainId)],
      ['get by seq', 'BEGIN', (one) => getEntries(one, domainId, middle)],
    ]
    const explainAll = async () => {
      const measured: Measured[] = []
      for (const [, begin, query] of measures) measured.push(await explain(database, begin, query))
      return measured
    }
    const analysed = await explainAll()
    await client.query(FORGET)
    const never = await explainAll()
    for (const [index, [name]] of measures.entries()) printPlans(name, analysed[index], never[index])
    await client.query('ANALYZE audit_log_entry')
  } finally {
    await client.end()
    await database.close()
  }
}

/** What PostgreSQL knows of a table before the first ANALYZE. */
const FORGET = `
  DELETE FROM pg_statistic WHERE starelid = 'audit_log_entry'::regclass;
  UPDATE pg_class SET reltuples = -1 WHERE oid = 'audit_log_entry'::regclass
    OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'audit_log_entry'::regclass)`

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
  const alone: NamedFilter[] = [
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
  ]
  const ranges: [string, EntryFilter][] = [
    ['from', { from }],
    ['to', { to: from }],
    ['from and to', { from, to: from + 1_000_000n }],
    ['from, future', { from: from + 10n ** 14n }],
  ]
  const withRange = alone.flatMap(([name, filter, after]) =>
    ranges.map(([range, bounds]): NamedFilter => [`${name}; ${range}`, { ...filter, ...bounds }, after]),
  )
  const all = {
    subjectPseudonym: middle?.subject ?? '',
    relation,
    objectType,
    reasons: ['granted' as const],
    from,
  }
  return [...alone, ...withRange, ['all together', all, 0]]
}

type Query = (client: Parameters<typeof listEntries>[0]) => Promise<unknown>

interface Measured {
  readonly milliseconds: number
  readonly plan: string
}

const NOTHING: Measured = { milliseconds: 0, plan: 'no statement' }

/** Runs the statements of a query under EXPLAIN ANALYZE: the product's own texts and values, not a copy. Sums their times. */
async function explain(database: Database, begin: string, query: Query): Promise<Measured> {
  return database.withTransaction(begin, async (client) => {
    const explained: Explained[] = []
    const spy = Object.create(client) as typeof client
    Object.assign(spy, {
      query: async (text: string, values: unknown[]) => {
        const rounds: Explained[] = []
        for (let round = 0; round < 3; round += 1) {
          const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values)
          rounds.push(rows[0]['QUERY PLAN'][0])
        }
        explained.push(...rounds.slice(-1))
        return client.query(text, values)
      },
    })
    await query(spy)
    const milliseconds = explained.reduce((sum, one) => sum + one['Planning Time'] + one['Execution Time'], 0)
    return { milliseconds, plan: [...new Set(explained.flatMap(({ Plan }) => scans(Plan)))].join(', ') }
  })
}

function printPlans(name: string, analysed = NOTHING, never = NOTHING): void {
  const time = ({ milliseconds }: Measured) => `${milliseconds.toFixed(2).padStart(8)} ms`
  const plans =
    analysed.plan === never.plan ? analysed.plan : `${analysed.plan}; never analysed: ${never.plan}`
  console.log(`${name.padEnd(52)} ${time(analysed)}, never analysed ${time(never)}  (under 5)   ${plans}`)
}

/** Returns the leaves of a plan, which show the index that was used. */
function scans(plan: Plan): string[] {
  const own = plan['Index Name'] === undefined ? [] : [`${plan['Node Type']} ${plan['Index Name']}`]
  const bare = plan['Node Type'] === 'Seq Scan' || plan['Node Type'] === 'Sort' ? [plan['Node Type']] : []
  return [...new Set([...own, ...bare, ...(plan.Plans ?? []).flatMap(scans)])]
}
