import type { DomainClaims } from '../base/domain-claims.js'
import type { AuditError } from '../base/errors.js'
import type { ReadTime } from '../base/wire-time.js'
import type { StoredRow } from '../chain/fold.js'
import type { AppendItem, Placed } from './append.js'

/** A registered Domain. */
export interface DomainRecord {
  readonly domainId: string
  readonly name: string
  readonly mirrorUrl?: string | undefined
  readonly createdAt: ReadTime | undefined
  /** The number of rows by the chain head; absent where the head is missing. */
  readonly rows?: number | undefined
  readonly claims: DomainClaims
}

/** Names Domains. The registry and the row that records the name are one transaction. */
export interface DomainNames {
  /** Rejects with `domain_not_found`, and with the errors of an append. */
  rename(domainId: string, name: string, selfAudit: AppendItem): Promise<Placed>
}

export interface NamedRecords {
  readonly domains: readonly DomainRecord[]
  readonly rows: readonly StoredRow[]
}

export interface DomainRegistry {
  /** Returns the first `limit` Domains after domain id `after`, in the order of their ids. */
  page(range: { after?: string | undefined; limit: number }): Promise<readonly DomainRecord[]>
  /**
   * Returns the first `limit` of the given Domains, or of all, and the rows of the platform chain that create and name them, at
   * most `limit` of these too, for a caller that recomputes them. Rejects where that takes longer than a few seconds.
   */
  named(domainIds: readonly string[] | 'all', limit: number): Promise<NamedRecords>
}

/** A Domain that has a mirror of its own. */
export interface ElsewhereChain {
  readonly domainId: string
  readonly mirrorUrl: string
}

/** Every chain that a store has or mentions. */
export interface KnownChains {
  readonly domainIds: readonly string[]
  /** The Domains in the registry. */
  readonly registered: ReadonlySet<string>
  /** The Domains whose creation is on the platform chain. */
  readonly created: ReadonlySet<string>
  /** Domains that have a mirror of their own, by this store's copy of the platform chain. */
  readonly elsewhere?: readonly ElsewhereChain[] | undefined
  /** Why this may not be every chain. Each is an error of exit code 3, and counts only where nothing is found. */
  readonly doubts?: readonly AuditError[] | undefined
  /** Why mirrors could not be read: by their URL, and by the domain id of a chain whose own place could not. */
  readonly unread?: ReadonlyMap<string, AuditError> | undefined
  /** By domain id: the chains that this store has and whose creation its copy of the platform chain does not record. */
  readonly unrecorded?: ReadonlyMap<string, UnrecordedChain> | undefined
  /**
   * recorded_at of the last row of the platform chain, in microseconds since 1970; of a mirror, of the last row before a gap.
   * Absent where the store has no row of it, or none of the chains is unrecorded.
   */
  readonly platformEnd?: bigint | undefined
  /** recorded_at of the first row of the platform chain, where platformEnd is given. */
  readonly platformStart?: bigint | undefined
  /** Whether the last row of the platform chain was stored in this mirror before its recorded_at: its clock was ahead. */
  readonly isPlatformAhead?: boolean | undefined
  /** Whether rows arrive in this store later than they are written, so that those of the platform chain may still come. */
  readonly lags?: boolean | undefined
  /** Rows that belong to no chain, because their domain_id is NULL. */
  readonly ownerless?: OwnerlessRows | undefined
}

export interface UnrecordedChain {
  /** recorded_at of its first row, in microseconds since 1970; absent where it has no row, or an infinite time. */
  readonly firstAt?: bigint | undefined
  /** Whether its first row was archived, as every row is that a restore put back. */
  readonly isArchived?: boolean | undefined
}

export interface OwnerlessRows {
  readonly rows: number
  readonly fromSeq: number
  readonly toSeq: number
  /** A text that changes with the content of the rows. */
  readonly hash: string
}
