import { AuditError } from '../../base/errors.js'
import type { IndexCheck, ScanRequest } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import type { ScanClient } from '../session/scan-client.js'
import { type ExpectedRows, type IndexCount, rowsExpected, rowsThrough } from './count-rows.js'
import { FILTER_INDEXES, type FilterIndex } from './filter-indexes.js'

const PRIMARY_KEY = 'audit_log_entry_pkey'

const STATES = `
  SELECT c.relname::text AS name, i.indisvalid AND i.indisready AND i.indislive AS works
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = 'audit_log_entry'::regclass::oid AND c.relname = ANY ($1::text[])`

/**
 * Checks the indexes for a scan of the whole chain; returns undefined for a segment. A failure is a doubt, because the rows were judged before. Rejects only
 * with the reason of the scan's signal.
 */
export async function checkIndexesOf(
  scan: ScanClient,
  { domainId, fromSeq, toSeq }: Pick<ScanRequest, 'domainId' | 'fromSeq' | 'toSeq'>,
): Promise<IndexCheck | undefined> {
  if (fromSeq > 1 || toSeq !== undefined) return undefined
  try {
    return await checkIndexes(scan.client, domainId)
  } catch (error) {
    return { doubts: [scan.failure(error)], uncounted: [] }
  }
}

/**
 * Counts the rows of a chain through each index of a filter, and compares with the primary key, all in the snapshot of the
 * transaction. Where PostgreSQL prefers an index that somebody added, that one is counted and named: a list reads by it too.
 * Where it prefers another of ours, as with few rows, a list does so too, and there is nothing to say.
 * The rows of a table that inherits are in none of these indexes, and are not counted: the fold judges the rows themselves.
 */
async function checkIndexes(client: Client, domainId: string): Promise<IndexCheck> {
  const names = FILTER_INDEXES.map(({ name }) => name)
  const { rows: states } = await client.query<{ name: string; works: boolean }>(STATES, [names])
  const working = FILTER_INDEXES.filter(({ name }) => states.some((one) => one.name === name && one.works))
  const counts: (IndexCount | undefined)[] = []
  for (const index of working) counts.push(await rowsThrough(client, domainId, index))
  const differences = working.length === 0 ? [] : await differencesOf(client, domainId, working, counts)
  const broken = states.filter(({ works }) => !works).map(({ name }) => ({ name, problem: 'is not valid' }))
  const ours = [...names, PRIMARY_KEY]
  const isAdded = (index: string | undefined) => index === undefined || !ours.includes(index)
  const uncounted = working.map(({ name }) => name).filter((_, at) => isAdded(counts[at]?.index))
  return { uncounted, doubts: incomplete(domainId, [...broken, ...differences]) }
}

interface Problem {
  readonly name: string
  readonly problem: string
}

async function differencesOf(
  client: Client,
  domainId: string,
  indexes: readonly FilterIndex[],
  counts: readonly (IndexCount | undefined)[],
): Promise<Problem[]> {
  const expected = await rowsExpected(client, domainId, indexes)
  const problems = counts.flatMap((count, at) => difference(count, expected, at))
  // Another index than the primary key may be the one that lacks rows.
  if (problems.length === 0 || expected.index === undefined) return problems
  return [...problems, { name: expected.index, problem: 'is what they were compared with' }]
}

function difference(count: IndexCount | undefined, expected: ExpectedRows, at: number): Problem[] {
  if (count === undefined || count.rows === expected.rows[at]) return []
  const problem = `has ${count.rows} of its rows, and ${expected.by} has ${expected.rows[at]}`
  return [{ name: count.index, problem }]
}

function incomplete(domainId: string, problems: readonly Problem[]): AuditError[] {
  if (problems.length === 0) return []
  const each = problems.map(({ name, problem }) => `${name} ${problem}`).join('; ')
  const indexes = [...new Set(problems.map(({ name }) => name))]
  return [
    new AuditError(
      'index_incomplete',
      `indexes of chain ${domainId}: ${each}; a list by a filter may not show all rows`,
      { advice: { code: 'reindex', indexes } },
    ),
  ]
}
