/** Returns SQL that stamps the rows of the log which meet a condition and have no stamp yet. */
export function stampSql(where = 'true', { at = 'now()', etag = '"x"' } = {}): string {
  return `INSERT INTO audit_archive_stamp (domain_id, seq, archived_at, archive_etag)
    SELECT domain_id, seq, greatest(${at}, recorded_at), '${etag}' FROM audit_log_entry WHERE ${where} ON CONFLICT DO NOTHING;`
}

/** Returns SQL that deletes the stamps which meet a condition. Only a superuser with triggers off can run it. */
export function unstampSql(where = 'true'): string {
  return `DELETE FROM audit_archive_stamp WHERE ${where};`
}
