import type { Finding } from '../chain/finding.js'
import type { SourceName } from './verify.js'

/** The findings of one verification of one chain. */
export interface Divergence {
  readonly domainId: string
  readonly source: SourceName
  readonly findings: readonly Finding[]
}

/** A chain that the signer does not sign. */
export interface NotSigned {
  readonly domainId: string
  /** One of the reasons of docs/signing.md, such as `rows_held`. */
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly since: number
}

/** Alerts about chains that are not signed. */
export interface SigningAlerts {
  /** Queues one alert. Skips one that was sent for this chain and reason within the last minute. Returns at once and never throws. */
  notSigned(chain: NotSigned): void
}

/** Alerts people who are not looking at the program. Whether an alert arrives changes no verdict. */
export interface Alerts {
  /**
   * Queues one alert for each kind of finding. Skips a kind that was sent for this chain within the last minute. Returns at
   * once and never throws.
   */
  raise(divergence: Divergence): void
  /** Resolves when every alert was delivered or dropped, within a bounded time. Never rejects. */
  settled(): Promise<void>
}
