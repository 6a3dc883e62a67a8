import type pg from 'pg'
import { AuditError } from '../../base/errors.js'

/** The SQLSTATEs of a statement that names a column, a table or a function that the database does not have. */
const MISSING: readonly unknown[] = ['42703', '42P01', '42883']

const NEWEST = 'SELECT max(version) AS version FROM audit_schema_migration'

/** Returns whether a failure is about a column, a table or a function that the database does not have. */
export function isAboutMissing({ cause }: AuditError): boolean {
  return cause instanceof Error && 'code' in cause && MISSING.includes(cause.code)
}

/** Returns the newest version that was applied; 0 for none. */
export async function newestVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number | null }>(NEWEST)
  return rows[0]?.version ?? 0
}

/** Returns the error for a database whose schema is newer than the newest one that this program knows. */
export function newerSchema(newest: number, known: number, cause?: AuditError): AuditError {
  return new AuditError(
    'schema_newer',
    `the database has schema ${newest}, this program knows ${known} at most`,
    { advice: { code: 'upgrade_to_migrated_version' }, cause },
  )
}
