import type { ReadTime } from '../base/wire-time.js'

/** A registered Domain. */
export interface DomainRecord {
  readonly domainId: string
  readonly name: string
  readonly mirrorUrl?: string | undefined
  readonly createdAt: ReadTime | undefined
  /** What the chain head counts; absent where the head is missing. */
  readonly rows?: number | undefined
}

export interface DomainRegistry {
  /** By domain id, the first `limit` after domain id `after`. */
  page(range: { after?: string | undefined; limit: number }): Promise<readonly DomainRecord[]>
}

/** Every chain that anything in a store speaks of. */
export interface KnownChains {
  readonly domainIds: readonly string[]
  /** The Domains that the registry has. */
  readonly registered: ReadonlySet<string>
  /** The Domains that the platform chain says were created. */
  readonly created: ReadonlySet<string>
  /** Domains that are not in this store, by what it says itself. */
  readonly elsewhere?: readonly { readonly domainId: string; readonly mirrorUrl: string }[] | undefined
  /** Rows that belong to no chain at all: their domain_id is NULL. */
  readonly ownerless?: { readonly rows: number; readonly fromSeq: number; readonly toSeq: number } | undefined
}
