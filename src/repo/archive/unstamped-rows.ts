import { LIMITS } from '../../chain/limits.js'
import type { StampRange } from '../../ports/archive.js'
import { countsFor } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { SCAN_BEGIN } from '../session/snapshot.js'

/** The seqs that the format allows. Verify reports rows that were forced into the table with other seqs. */
export const VALID_SEQ = `seq BETWEEN 1 AND ${LIMITS.maxSeq}`

/** Rows in one query, so that no snapshot lasts as long as a long chain takes. */
const PAGE = 50_000

/** A range of stamped rows that is shorter is read again. */
const REMEMBERED = 1_000

/** A hash join would read the stamps of the whole chain for each page. */
const BEGIN = `${SCAN_BEGIN}; SET LOCAL enable_hashjoin = off`

/**
 * Returns a query for the first of at most `limit` rows above `after` that has no stamp that counts. The probe of the stamps is a
 * scalar subquery, which is never made a join, so the rows are read only as far as that row.
 */
export function firstUnstamped(
  domainId: string,
  after: string,
  limit: string | number,
  through = '',
): string {
  return `
    SELECT e.seq FROM (
      SELECT domain_id, seq, recorded_at FROM audit_log_entry
      WHERE domain_id = ${domainId} AND seq > ${after} AND ${VALID_SEQ} ${through} ORDER BY seq LIMIT ${limit}
    ) AS e
    WHERE NOT coalesce((SELECT ${countsFor('e', 's')} FROM audit_archive_stamp s
      WHERE s.domain_id = e.domain_id AND s.seq = e.seq ORDER BY 1 DESC LIMIT 1), false)
    LIMIT 1`
}

/** Returns a query for the last of exactly `limit` rows above `after`; no row where there are fewer. */
export function lastOf(domainId: string, after: string, limit: string | number): string {
  return `SELECT seq FROM audit_log_entry WHERE domain_id = ${domainId} AND seq > ${after} AND ${VALID_SEQ}
    ORDER BY seq OFFSET ${limit}::bigint - 1 LIMIT 1`
}

const NEXT = `
  SELECT next, walked.last, walked.rows FROM (SELECT (${firstUnstamped('$1', '$2', '$3')}) AS next OFFSET 0) AS first
  LEFT JOIN LATERAL (SELECT max(seq) AS last, count(*) AS rows FROM (
    SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND seq > $2 AND ${VALID_SEQ} ORDER BY seq LIMIT $3
  ) AS page) AS walked ON next IS NULL`

/** The first and the last row of each range of rows that follow each other and all have, or all lack, a stamp that counts. */
const RANGES = `
  SELECT seq, stamped, starts, ends FROM (
    SELECT seq, stamped,
      coalesce(lag(seq) OVER w <> seq - 1 OR lag(stamped) OVER w <> stamped, true) AS starts,
      coalesce(lead(seq) OVER w <> seq + 1 OR lead(stamped) OVER w <> stamped, true) AS ends
    FROM (
      SELECT e.seq, coalesce(${countsFor('e', 's')}, false) AS stamped FROM audit_log_entry e
      LEFT JOIN audit_archive_stamp s ON s.domain_id = $1 AND s.seq = e.seq AND s.seq > $2
      WHERE e.domain_id = $1 AND e.seq > $2 AND e.seq <= ${LIMITS.maxSeq} ORDER BY e.seq LIMIT $3
    ) AS page
    WINDOW w AS (ORDER BY seq)
  ) AS edges WHERE starts OR ends ORDER BY seq`

/**
 * Finds rows that have no stamp that counts, by comparing the rows with the stamps. Remembers, for each chain, the last range
 * without such a row: rows that were held back lie before a range that grows, and are asked about again and again.
 */
export class UnstampedRows {
  readonly #database: Database
  readonly #stamped = new Map<string, { readonly after: number; readonly through: number }>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns the first seq above `after` whose row has no stamp that counts. */
  async next(domainId: string, after: number): Promise<number | undefined> {
    return (await this.search(domainId, after)).next
  }

  /** As {@link next}, and with the last seq up to which every row above `after` has a stamp. */
  async search(domainId: string, after: number): Promise<Search> {
    const known = this.#stamped.get(domainId)
    const isKnown = known !== undefined && known.after <= after && after < known.through
    let through = isKnown ? known.through : after
    for (;;) {
      const page = await this.#page(domainId, through)
      through = page.next === undefined ? Math.max(page.last, through) : page.next - 1
      if (through - after > REMEMBERED)
        this.#stamped.set(domainId, { after: isKnown ? known.after : after, through })
      if (page.next !== undefined || page.rows < PAGE) return { next: page.next, through }
    }
  }

  /** Yields the ranges of a chain, page by page, each page from a snapshot of its own. Forgets what is remembered. */
  async *ranges(domainId: string, signal: AbortSignal): AsyncGenerator<readonly StampRange[]> {
    this.#stamped.delete(domainId)
    for (let after = 0, rows = PAGE; rows >= PAGE; ) {
      signal.throwIfAborted()
      const ranges = await this.#read(async (client) => rangesOf(await edges(client, domainId, after)))
      rows = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
      after = ranges.at(-1)?.to ?? after
      yield ranges
    }
  }

  #page(domainId: string, after: number): Promise<{ next: number | undefined; last: number; rows: number }> {
    return this.#read(async (client) => {
      const { rows } = await client.query<NextRow>(NEXT, [domainId, after, PAGE])
      const { next = null, last, rows: count } = rows[0] ?? {}
      return {
        next: next === null ? undefined : Number(next),
        last: Number(last ?? 0),
        rows: Number(count ?? 0),
      }
    })
  }

  #read<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return this.#database.withTransaction(BEGIN, use)
  }
}

/** The result of a search for a row without a stamp. */
export interface Search {
  readonly next?: number | undefined
  readonly through: number
}

interface NextRow {
  readonly next: string | null
  readonly last: string | null
  readonly rows: string | null
}

interface EdgeRow {
  readonly seq: string
  readonly stamped: boolean
  readonly starts: boolean
  readonly ends: boolean
}

async function edges(client: Client, domainId: string, after: number): Promise<readonly EdgeRow[]> {
  return (await client.query<EdgeRow>(RANGES, [domainId, after, PAGE])).rows
}

function rangesOf(rows: readonly EdgeRow[]): StampRange[] {
  const ranges: StampRange[] = []
  let from = 0
  for (const { seq, stamped, starts, ends } of rows) {
    if (starts) from = Number(seq)
    if (ends) ranges.push({ from, to: Number(seq), isStamped: stamped })
  }
  return ranges
}
