import { AuditError } from '../base/errors.js'
import type { ArchiveQueue, WaitingChain } from '../ports/archive.js'

/** Milliseconds without a new stamp after which another archiver counts as stuck. An upload that hangs times out before that. */
export const STUCK = 30_000

/**
 * Another archiver that has claimed a chain. It may hang and go on renewing its claim, and a role that can write claims can
 * renew one for ever. So only new stamps count as progress.
 */
export class OtherArchiver {
  #isStuck = false
  #firstUnstamped: number | undefined
  #since = performance.now()

  /** `firstSeq` of the chain is its first row without a stamp. `patience` is the number of milliseconds without a new stamp after which the archiver counts as stuck. */
  constructor(
    readonly chain: Pick<WaitingChain, 'domainId' | 'firstSeq'>,
    readonly queue: Pick<ArchiveQueue, 'nextUnstamped'>,
    readonly patience: number,
  ) {}

  get isStuck(): boolean {
    return this.#isStuck
  }

  /** Looks for new stamps of rows above `heldThrough`. Rows up to there are held back and get no stamp. */
  async look(heldThrough = 0): Promise<void> {
    const { domainId, firstSeq } = this.chain
    const next = await this.queue.nextUnstamped(
      domainId,
      Math.max(heldThrough, (this.#firstUnstamped ?? firstSeq) - 1),
    )
    if (next !== this.#firstUnstamped) this.#since = performance.now()
    this.#firstUnstamped = next
    this.#isStuck = performance.now() - this.#since >= this.patience
  }

  /** Returns the error to report when the archiver is found to be stuck. */
  trouble(): AuditError {
    const { patience } = this
    const { domainId } = this.chain
    return new AuditError(
      'archive_behind',
      `chain ${domainId}: another archiver holds the claim on the chain (audit_claim, purpose archive) and has stamped no row for ` +
        `${patience / 1000} s; row ${this.#firstUnstamped} waits, and the chain is archived regardless of the claim`,
      { advice: { code: 'find_claim_holder' } },
    )
  }
}
