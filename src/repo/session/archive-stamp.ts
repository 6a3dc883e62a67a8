import type pg from 'pg'

/** The last time of PostgreSQL, less a day: adding to a later one would fail. */
const LATE = "'294276-12-30 00:00:00Z'"

/**
 * Returns SQL for the time to stamp a row with. A chain may be ahead of the clock, and then the stamp is later than its row by the
 * smallest step: a stamp with the very time of its row was moved by migration 0015, and does not say when the row was stamped.
 */
export function stampTime(row: string): string {
  const [time, step] = [`${row}.recorded_at`, "interval '1 microsecond'"]
  return `greatest(clock_timestamp(), CASE WHEN ${time} < ${LATE} THEN ${time} + ${step} ELSE ${time} END)`
}

/**
 * Stamps rows of the chain $1: $2 has the seqs, $3 the etags, $4 and $5 the first and the last seq. A row that has a stamp
 * keeps it, so that two archivers that both uploaded a row stamp it once. The bounds keep the scan short in a table that was
 * never analysed.
 */
export const INSERT_STAMPS = `
  INSERT INTO audit_archive_stamp (domain_id, seq, archived_at, archive_etag)
  SELECT e.domain_id, e.seq, ${stampTime('e')}, s.etag
  FROM unnest($2::bigint[], $3::text[]) AS s(seq, etag)
  JOIN audit_log_entry e ON e.domain_id = $1 AND e.seq = s.seq AND e.seq BETWEEN $4 AND $5
  ON CONFLICT (domain_id, seq) DO NOTHING`

/**
 * Returns SQL for whether a stamp counts, for the table aliases of a row and of the stamp with the same domain_id and seq. A stamp from
 * before its row was recorded is forged.
 */
export function countsFor(row: string, stamp: string): string {
  return `${stamp}.archived_at >= ${row}.recorded_at`
}

/** Returns SQL that joins a row with its stamp, as `stamp`, by one probe; its columns are NULL without a stamp that counts. */
export function joinStamp(row: string): string {
  return `LEFT JOIN LATERAL (
    SELECT s.archived_at, s.archive_etag FROM audit_archive_stamp s
    WHERE s.domain_id = ${row}.domain_id AND s.seq = ${row}.seq AND ${countsFor(row, 's')} LIMIT 1
  ) stamp ON true`
}

/** Returns SQL for whether a row has a stamp that counts, by one probe for each row that is asked for. */
export function isStamped(row: string): string {
  return `(SELECT true FROM audit_archive_stamp s
    WHERE s.domain_id = ${row}.domain_id AND s.seq = ${row}.seq AND ${countsFor(row, 's')} LIMIT 1) IS NOT NULL`
}

/** SQL for a range of the rows of one chain. */
interface ChainRange {
  readonly domainId: string
  /** Absent: from the first row on. */
  readonly fromSeq?: string | undefined
  readonly toSeq?: string | undefined
}

/**
 * Returns the FROM and WHERE of the rows `e` of a chain that have no stamp that counts, for many rows at once: a join and no probes.
 * The bounds are given for both tables, because PostgreSQL does not infer the bounds of one from those of the other.
 */
export function unstampedRows({ domainId, fromSeq, toSeq }: ChainRange): string {
  const within = (seq: string) =>
    [
      ...(fromSeq === undefined ? [] : [` AND ${seq} >= ${fromSeq}`]),
      ...(toSeq === undefined ? [] : [` AND ${seq} <= ${toSeq}`]),
    ].join('')
  return `FROM audit_log_entry e WHERE e.domain_id = ${domainId}${within('e.seq')} AND NOT EXISTS (
    SELECT FROM audit_archive_stamp s
    WHERE s.domain_id = ${domainId} AND s.seq = e.seq AND ${countsFor('e', 's')}${within('s.seq')})`
}

/**
 * Returns SQL for whether a chain has a row with a stamp that counts above a seq. It reads the stamps above the seq and probes a row
 * for each until one is found. A chain whose rows wait has no such stamp.
 */
export function isStampedAbove(domainId: string, seq: string): string {
  return `EXISTS (SELECT ${stampedAbove(domainId, seq)} OFFSET 0)`
}

/** Returns the FROM and WHERE of the rows `e` of a chain above a seq that have a stamp `s` that counts. */
export function stampedAbove(domainId: string, seq: string): string {
  return `FROM audit_archive_stamp s JOIN audit_log_entry e ON e.domain_id = ${domainId} AND e.seq = s.seq AND e.seq > ${seq}
    WHERE s.domain_id = ${domainId} AND s.seq > ${seq} AND ${countsFor('e', 's')}`
}

const PLANS = ['enable_nestloop', 'enable_hashjoin', 'enable_sort']

/**
 * Runs `use` so that PostgreSQL joins rows and stamps in the order of their keys, in a single pass over both. For a table that was never
 * analysed it may otherwise probe a million times, or sort.
 */
export async function inKeyOrder<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query(PLANS.map((name) => `SET LOCAL ${name} = off`).join('; '))
  const result = await use()
  await client.query(PLANS.map((name) => `SET LOCAL ${name} TO DEFAULT`).join('; '))
  return result
}
