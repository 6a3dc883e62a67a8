import { randomUUID } from 'node:crypto'
import type { Database } from './database.js'

/** Seconds after which a claim that is not renewed has ended. */
export const CLAIM_LASTS = 15

/** Milliseconds between two renewals. */
export const RENEWAL = 3_000

/** A time in the future was forced into the table, and must not keep a chain for ever. */
const ENDED = `c.renewed_at NOT BETWEEN clock_timestamp() - interval '${CLAIM_LASTS} s' AND clock_timestamp() + interval '${CLAIM_LASTS} s'`

const TAKE = `
  INSERT INTO audit_claim AS c (purpose, domain_id, holder) VALUES ($1, $2, $3)
  ON CONFLICT (purpose, domain_id) DO UPDATE SET holder = excluded.holder, renewed_at = excluded.renewed_at
  WHERE ${ENDED}`

const RENEW = 'UPDATE audit_claim SET renewed_at = clock_timestamp() WHERE purpose = $1 AND holder = $2'

const RELEASE = 'DELETE FROM audit_claim WHERE purpose = $1 AND holder = $2 AND domain_id = $3'

const RENEWED = 'SELECT renewed_at::text AS at FROM audit_claim WHERE purpose = $1 AND domain_id = $2'

const IS_CLAIMED = `SELECT FROM audit_claim AS c WHERE purpose = $1 AND domain_id = ANY ($2::uuid[]) AND NOT (${ENDED}) LIMIT 1`

type Purpose = 'archive' | 'backfill' | 'restore'

/**
 * The claims of one process on chains, for one purpose. A claim is a row that the process renews while it works. It ends
 * when it is released, or {@link CLAIM_LASTS} seconds after the process has died or lost the database. Each statement is a
 * transaction of its own, so it works behind a pooler; a lock that lasts as long as an upload would also keep VACUUM from
 * removing dead rows. A claim only divides the work: if one ends too early, two processes do the same work twice.
 */
export class ChainClaims {
  readonly #database: Database
  readonly #purpose: Purpose
  readonly #holder = randomUUID()
  readonly #held = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database, purpose: Purpose) {
    this.#database = database
    this.#purpose = purpose
  }

  /** Claims a chain that nobody has claimed. Resolves to whether it is claimed now. */
  async take(domainId: string): Promise<boolean> {
    if ((await this.#run(TAKE, [this.#purpose, domainId, this.#holder])) === 0) return false
    this.#held.add(domainId)
    this.#timer ??= setInterval(() => void this.#renew(), RENEWAL).unref()
    return true
  }

  /** Ends a claim. If that fails, the claim ends by itself. */
  async release(domainId: string): Promise<void> {
    this.#held.delete(domainId)
    if (this.#held.size === 0) this.#stop()
    await this.#run(RELEASE, [this.#purpose, this.#holder, domainId]).catch(() => undefined)
  }

  /** Returns when the claim of a chain was last renewed, as a text that changes with each renewal; undefined for no claim. */
  renewedAt(domainId: string): Promise<string | undefined> {
    return this.#database.read(async (client) => {
      const { rows } = await client.query<{ at: string }>(RENEWED, [this.#purpose, domainId])
      return rows[0]?.at
    })
  }

  /** Returns whether any process has claimed one of the chains. */
  isClaimed(domainIds: readonly string[]): Promise<boolean> {
    return this.#database.read(async (client) => {
      const { rowCount } = await client.query(IS_CLAIMED, [this.#purpose, domainIds])
      return (rowCount ?? 0) > 0
    })
  }

  async close(): Promise<void> {
    for (const domainId of [...this.#held]) await this.release(domainId)
  }

  /** A renewal that fails is made up for by the next one. */
  async #renew(): Promise<void> {
    await this.#run(RENEW, [this.#purpose, this.#holder]).catch(() => undefined)
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #run(text: string, values: readonly unknown[]): Promise<number> {
    return this.#database.write(async (client) => (await client.query(text, [...values])).rowCount ?? 0)
  }
}
