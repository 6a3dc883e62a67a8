import { LIMITS } from '../../chain/limits.js'
import type { WaitingChain } from '../../ports/archive.js'
import { type ClaimsRow, claimsColumns, readClaims } from '../query/domain-claims.js'
import type { Database } from '../session/database.js'
import { SCAN_BEGIN } from '../session/snapshot.js'
import { firstUnstamped, lastOf, type UnstampedRows } from './unstamped-rows.js'
import { hidesRows, LOOK_AHEAD, raiseWatermark } from './watermark.js'

/**
 * The chains whose head is above their watermark, and those that this process has found to be hidden ($1, $2). For each, the rows
 * right above the watermark are compared with the stamps, so a poll does not depend on how many rows are archived.
 */
const WAITING = `
  SELECT behind.domain_id::text AS id, first.seq AS first_seq, behind.through,
    CASE WHEN first.seq IS NULL THEN (${lastOf('behind.domain_id', 'behind.through', LOOK_AHEAD)}) END AS walked,
    ${claimsColumns('behind.domain_id')},
    (SELECT max(seq) FROM audit_log_entry e WHERE e.domain_id = behind.domain_id AND seq <= ${LIMITS.maxSeq}) AS last_seq
  FROM (
    SELECT domain_id, coalesce(hidden.seq, w.seq, 0) AS through
    FROM audit_log_chain_head h
    FULL JOIN unnest($1::uuid[], $2::bigint[]) AS hidden(domain_id, seq) USING (domain_id)
    LEFT JOIN audit_archive_watermark w USING (domain_id)
    WHERE hidden.seq IS NOT NULL OR h.next_seq - 1 > coalesce(w.seq, 0)
    OFFSET 0
  ) AS behind
  LEFT JOIN LATERAL (${firstUnstamped('behind.domain_id', 'behind.through', LOOK_AHEAD)}) AS first ON true
  WHERE first.seq IS NOT NULL OR EXISTS (${lastOf('behind.domain_id', 'behind.through', LOOK_AHEAD)})`

interface WaitingRow extends ClaimsRow {
  readonly id: string
  readonly first_seq: string | null
  readonly walked: string | null
  readonly last_seq: string
}

/** Finds the chains that have rows to archive. */
export class WaitingChains {
  readonly #database: Database
  readonly #unstamped: UnstampedRows
  /** By chain: the seq up to which every row has a stamp, where the stored watermark or the head hides the next one. */
  readonly #hidden = new Map<string, number>()

  constructor(database: Database, unstamped: UnstampedRows) {
    this.#database = database
    this.#unstamped = unstamped
  }

  async all(): Promise<WaitingChain[]> {
    const hidden = [[...this.#hidden.keys()], [...this.#hidden.values()]]
    const rows = await this.#database.withTransaction(
      SCAN_BEGIN,
      async (client) => (await client.query<WaitingRow>(WAITING, hidden)).rows,
    )
    const chains: WaitingChain[] = []
    for (const row of rows) {
      const first = row.first_seq === null ? await this.#findFirst(row) : Number(row.first_seq)
      if (first === undefined) continue
      chains.push({
        domainId: row.id,
        claims: readClaims(row),
        firstSeq: first,
        lastSeq: Number(row.last_seq),
      })
    }
    return chains
  }

  /**
   * Corrects the watermark of a chain whose rows were all compared with the stamps: every row up to `through` has a stamp. The
   * stored watermark never sinks, so this process remembers where it hides rows.
   */
  async correct(domainId: string, through: number): Promise<void> {
    await this.#database.write((client) => raiseWatermark(client, domainId, through))
    const isHidden = await this.#database.read((client) => hidesRows(client, domainId, through))
    if (isHidden) this.#hidden.set(domainId, through)
    else this.#hidden.delete(domainId)
  }

  /** Follows the stamps of a chain whose watermark hides rows. `last` is the last row that got a stamp. */
  async onStamped(domainId: string, last: number): Promise<void> {
    const through = this.#hidden.get(domainId)
    if (through === undefined) return
    const next = await this.#unstamped.next(domainId, through)
    this.#hidden.set(domainId, next === undefined ? Math.max(through, last) : next - 1)
  }

  /** Many rows above the watermark have a stamp, as after a restore. The watermark is raised over them. */
  async #findFirst({ id, walked }: WaitingRow): Promise<number | undefined> {
    const { next, through } = await this.#unstamped.search(id, Number(walked))
    await this.#database.write((client) => raiseWatermark(client, id, through))
    if (this.#hidden.has(id)) this.#hidden.set(id, through)
    return next
  }
}
