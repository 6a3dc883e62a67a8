/**
 * Returns the search_path that resolves table names in one schema only. pg_temp is listed last: left out, it would be
 * searched first, and it may hold tables.
 */
export function searchOnly(schema: string): string {
  return `"${schema.replaceAll('"', '""')}", pg_temp`
}
