import type { ErrorCode } from './errors.js'

/**
 * Remembers which failures were reported, by what they concern. A failure that lasts is reported when it begins, when
 * its code changes and when it ends, however often the operation is retried.
 */
export class ReportedFailures {
  readonly #codes = new Map<string, ErrorCode>()

  /** Records a failure. Returns whether it is to be reported. */
  begin(key: string, code: ErrorCode): boolean {
    if (this.#codes.get(key) === code) return false
    this.#codes.set(key, code)
    return true
  }

  /** Records a success. Returns whether a failure ended, which is to be reported. */
  end(key: string): boolean {
    return this.#codes.delete(key)
  }
}
