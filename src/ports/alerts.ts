import type { Finding } from '../chain/finding.js'
import type { SourceName } from './verify.js'

/** What a verifier found on one chain. */
export interface Divergence {
  readonly domainId: string
  readonly source: SourceName
  readonly findings: readonly Finding[]
}

/** Tells somebody who is not looking. Whatever becomes of it changes no verdict. */
export interface Alerts {
  /** Returns at once and never throws. One alert a kind of finding; none where that kind was told of the chain within a minute. */
  raise(divergence: Divergence): void
  /** Resolves when every alert was delivered or given up, which is bounded. Never rejects. */
  settled(): Promise<void>
}
