/**
 * Returns the SQL that makes a session resolve table names in one schema only.
 *
 * pg_temp is listed last: left out, it would be searched first, and it may hold tables. row_security is off so that a
 * policy that hides rows from this role is an error for every command: an existing row must not be reported as missing.
 */
export function searchOnly(schema: string): string {
  return `SET search_path = "${schema.replaceAll('"', '""')}", pg_temp; SET row_security = off`
}
