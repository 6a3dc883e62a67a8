import type { ReadTime } from '../base/wire-time.js'
import type { OwnerOnlyPolicy } from './access.js'
import type { AppendItem, Placed } from './append.js'
import type { Relation, RelationTuple } from './relations.js'

/** A new API key: its text, which nobody can be shown again, and what is kept of it. */
export interface MintedKey {
  /** `ak_` and 16 hex digits: what it is looked up by, and no secret. */
  readonly id: string
  /** The id and 256 random bits. */
  readonly key: string
  /** 64 hex digits. */
  readonly secretHash: string
}

/** An API key as it is kept. */
export interface ApiKeyRecord {
  readonly id: string
  readonly domainId: string
  /** `user:<id>` or `service:<id>`; a revoked key has forgotten it. */
  readonly subject?: string | undefined
  /** What it was made with. */
  readonly relation: Relation
  readonly readOnly: boolean
  readonly ownerOnly: boolean
  readonly createdAt: ReadTime
  readonly expiresAt?: ReadTime | undefined
  readonly revokedAt?: ReadTime | undefined
  /** To within a minute. */
  readonly lastUsedAt?: ReadTime | undefined
  /** By the database's clock. */
  readonly state: 'active' | 'expired' | 'revoked'
}

export interface NewApiKey {
  readonly id: string
  readonly secretHash: string
  readonly domainId: string
  readonly subject: string
  readonly relation: Relation
  readonly readOnly: boolean
  readonly ownerOnly: boolean
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly expiresAt?: bigint | undefined
}

export interface ApiKeyFilter {
  /** Absent: of all chains. */
  readonly domainId?: string | undefined
  readonly subject?: string | undefined
  readonly activeOnly: boolean
}

export interface ApiKeyStore {
  /**
   * Keeps a key and adds the tuple where one is given; appends what `selfAudit` makes of it (`granted`: the tuple is new),
   * all in one transaction. Rejects with `domain_not_found`, and as an append does.
   */
  create(
    key: NewApiKey,
    grant: RelationTuple | undefined,
    selfAudit: (granted: boolean) => AppendItem,
  ): Promise<{ readonly record: ApiKeyRecord; readonly auditRows: readonly Placed[] }>
  /**
   * Ends a key, and appends `selfAudit` in the same transaction; `told` is empty for one that was revoked before. Rejects
   * with `key_not_found`, and as an append does.
   */
  revoke(
    id: string,
    selfAudit: AppendItem,
  ): Promise<{ readonly record: ApiKeyRecord; readonly auditRows: readonly Placed[] }>
  find(id: string): Promise<ApiKeyRecord | undefined>
  /** In the order of their making, the first `limit` after key `after`. */
  page(
    filter: ApiKeyFilter,
    range: { after: string | undefined; limit: number },
  ): Promise<readonly ApiKeyRecord[]>
}

/** A key as a credential is held against it. */
export interface StoredKey {
  readonly domainId: string
  readonly subject: string
  /** 64 hex digits. */
  readonly secretHash: string
  readonly readOnly: boolean
  readonly ownerOnly: boolean
  /** Neither expired nor revoked, by the database's clock. */
  readonly isActive: boolean
  /** The last use that was written down is more than a minute ago. */
  readonly isUseDue: boolean
}

export interface ApiKeyLookup {
  /** One query, whether the key is there or not. */
  lookUp(id: string): Promise<StoredKey | undefined>
  /** Writes down that it was used just now, unless that was done within the last minute. */
  touch(id: string): Promise<void>
}

export interface AccessPolicyStore extends OwnerOnlyPolicy {
  /** Sets it and appends `selfAudit` in one transaction; `told` is empty where it was so before. */
  setEraseOwnerOnly(
    domainId: string,
    value: boolean,
    selfAudit: AppendItem,
  ): Promise<{ readonly auditRows: readonly Placed[] }>
}
