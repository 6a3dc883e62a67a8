import type { ReadTime } from '../base/wire-time.js'

/** A registered Domain. */
export interface DomainRecord {
  readonly domainId: string
  readonly name: string
  readonly mirrorUrl?: string | undefined
  readonly createdAt: ReadTime | undefined
  /** The number of rows by the chain head; absent where the head is missing. */
  readonly rows?: number | undefined
}

export interface DomainRegistry {
  /** Returns the first `limit` Domains after domain id `after`, in the order of their ids. */
  page(range: { after?: string | undefined; limit: number }): Promise<readonly DomainRecord[]>
}

/** Every chain that a store has or mentions. */
export interface KnownChains {
  readonly domainIds: readonly string[]
  /** The Domains in the registry. */
  readonly registered: ReadonlySet<string>
  /** The Domains whose creation is on the platform chain. */
  readonly created: ReadonlySet<string>
  /** Domains that have a mirror of their own, by this store's copy of the platform chain. */
  readonly elsewhere?: readonly { readonly domainId: string; readonly mirrorUrl: string }[] | undefined
  /** Rows that belong to no chain, because their domain_id is NULL. */
  readonly ownerless?: { readonly rows: number; readonly fromSeq: number; readonly toSeq: number } | undefined
}
