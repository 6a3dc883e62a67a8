import { AuditError } from '../../base/errors.js'
import type { Strays } from '../../ports/mirror.js'

const EXAMPLES = 3
/** A server can invent names without an end. */
const MAX_STRAYS = 1_000_000

/** Counts the names below the prefix of a chain that are no keys of rows. */
export class StrayNames {
  #count = 0
  readonly #examples: string[] = []

  /** Throws `mirror_unavailable` beyond a million names. */
  add(key: string): void {
    this.#count += 1
    if (this.#count > MAX_STRAYS) {
      const problem = `more than ${MAX_STRAYS} names below the prefix of one chain are no keys of rows`
      throw new AuditError('mirror_unavailable', problem)
    }
    if (this.#examples.length < EXAMPLES) this.#examples.push(nameOf(key))
  }

  /** Undefined where there is none. */
  get found(): Strays | undefined {
    return this.#count === 0 ? undefined : { count: this.#count, examples: this.#examples }
  }
}

/** Returns a key without `audit/<domain_id>/`. The marker of the folder itself stays whole. */
function nameOf(key: string): string {
  return key.split('/').slice(2).join('/') || key
}
