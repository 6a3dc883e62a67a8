import type { Client } from './database.js'

/** How a query reads a table, at one place of its plan. */
export interface TableRead {
  /** Absent where it reads the table itself, or the index by a bitmap. */
  readonly index: string | undefined
  /** The rows that it read; 0 if the query did not run. */
  readonly rows: number
}

/** A node of a plan, as EXPLAIN (FORMAT JSON) prints it. */
interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly Plans?: readonly PlanNode[]
}

/** Returns how a query would read the table now. */
export function plannedReads(
  client: Client,
  table: string,
  query: string,
  values: readonly unknown[],
): Promise<TableRead[]> {
  return explain(client, table, `EXPLAIN (FORMAT JSON) ${query}`, values)
}

/** Runs a query without its result. Returns how it read the table. */
export function measuredReads(
  client: Client,
  table: string,
  query: string,
  values: readonly unknown[],
): Promise<TableRead[]> {
  return explain(
    client,
    table,
    `EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, SUMMARY OFF, FORMAT JSON) ${query}`,
    values,
  )
}

async function explain(
  client: Client,
  table: string,
  text: string,
  values: readonly unknown[],
): Promise<TableRead[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(text, [...values])
  return rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => readsIn(Plan, table)))
}

function readsIn(node: PlanNode, table: string): TableRead[] {
  const { 'Actual Rows': rows = 0, 'Actual Loops': loops = 1, Plans: children = [] } = node
  const own = node['Relation Name'] === table ? [{ index: node['Index Name'], rows: rows * loops }] : []
  return [...own, ...children.flatMap((child) => readsIn(child, table))]
}
