/**
 * Returns how a statement names a table. Statements that also run in the transaction of a caller name everything else with
 * pg_catalog: the caller's search_path may lead to operators, functions and types of somebody else first. So they use no
 * BETWEEN, IN, IS DISTINCT FROM or NULLIF, for which PostgreSQL looks up the operator by its bare name.
 */
export type TableNames = (table: string) => string

/** Names tables as they are, for a transaction that has set its search_path. */
export const IN_SEARCH_PATH: TableNames = (table) => table

/** Returns names of tables in one schema, for a transaction with any search_path. */
export function inSchema(schema: string): TableNames {
  return (table) => `"${schema.replaceAll('"', '""')}".${table}`
}

export const EQ = 'OPERATOR(pg_catalog.=)'
export const NE = 'OPERATOR(pg_catalog.<>)'
export const LT = 'OPERATOR(pg_catalog.<)'
export const LE = 'OPERATOR(pg_catalog.<=)'
export const GT = 'OPERATOR(pg_catalog.>)'
export const GE = 'OPERATOR(pg_catalog.>=)'
export const MINUS = 'OPERATOR(pg_catalog.-)'
const TIMES = 'OPERATOR(pg_catalog.*)'

/** Returns an SQL expression for the microseconds of a finite timestamptz since 1970, as text. */
export function microsText(time: string): string {
  return `(extract(epoch FROM ${time}) ${TIMES} 1000000::numeric)::bigint::pg_catalog.text`
}

/** Returns an SQL condition that a timestamptz is one that the format can hold. */
export function isFormatTime(time: string): string {
  return `${time} ${GE} '0001-01-01 00:00:00+00' AND ${time} ${LE} '9999-12-31 23:59:59.999999+00'`
}
