/**
 * Returns SQL for whether a stamp counts, for the table aliases of a row and of the stamp with the same domain_id and seq. A stamp from
 * before its row was recorded is forged. So whoever writes a stamp writes `greatest(clock_timestamp(), recorded_at)`.
 */
export function countsFor(row: string, stamp: string): string {
  return `${stamp}.archived_at >= ${row}.recorded_at`
}

/** Returns SQL that joins a row with its stamp, as `stamp`; its columns are NULL without a stamp that counts. */
export function joinStamp(row: string): string {
  return `LEFT JOIN audit_archive_stamp stamp
    ON stamp.domain_id = ${row}.domain_id AND stamp.seq = ${row}.seq AND ${countsFor(row, 'stamp')}`
}

/** Returns SQL for whether a row has a stamp that counts. */
export function isStamped(row: string): string {
  return `EXISTS (SELECT FROM audit_archive_stamp s
    WHERE s.domain_id = ${row}.domain_id AND s.seq = ${row}.seq AND ${countsFor(row, 's')})`
}
