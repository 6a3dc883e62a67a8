import { EQ } from '../qualified-names.js'
import { serverError } from './server-error.js'

const MARK = 'audit_record_in'

/** What a statement of {@link failing} found. */
export interface Failure {
  readonly table: string
  readonly stored: number
  readonly expected: number
}

/**
 * Returns an SQL expression that is true as text, or fails, and with it all later statements of the query. The message of
 * PostgreSQL, which may be translated, quotes the value that is no boolean. `stored` and `expected` are SQL expressions.
 */
export function failing(condition: string, table: string, stored: string, expected: string): string {
  return `(CASE WHEN ${condition} THEN 'true' ELSE pg_catalog.concat('${MARK} ${table} ', ${stored}, ' of ',
    ${expected}) END)::boolean::pg_catalog.text`
}

/** Returns a statement that runs an INSERT or UPDATE, and fails where it does not change `rows` rows. */
export function counted(table: string, rows: number, change: string): string {
  const stored = '(SELECT pg_catalog.count(*) FROM stored)'
  return `WITH stored AS (${change} RETURNING 1) SELECT ${failing(`${stored} ${EQ} ${rows}`, table, stored, String(rows))}`
}

/** Returns what failed, where an error is one of {@link failing}. */
export function failureOf(error: unknown): Failure | undefined {
  const [, table, stored, expected] =
    new RegExp(`${MARK} (\\w+) (\\d+) of (\\d+)`).exec(serverError(error).message) ?? []
  return table === undefined ? undefined : { table, stored: Number(stored), expected: Number(expected) }
}
