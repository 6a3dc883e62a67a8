import type { ReadTime } from '../base/wire-time.js'
import type { OwnerOnlyPolicy } from './access.js'
import type { AppendItem, Placed } from './append.js'
import type { Relation, RelationTuple } from './relations.js'

/** A new API key: its text, which cannot be shown again, and what is stored of it. */
export interface MintedKey {
  /** `ak_` and 16 hex digits, for the look-up. Not a secret. */
  readonly id: string
  /** The id and 256 random bits. */
  readonly key: string
  /** 64 hex digits. */
  readonly secretHash: string
}

/** An API key as stored. */
export interface ApiKeyRecord {
  readonly id: string
  readonly domainId: string
  /** `user:<id>` or `service:<id>`. Absent for a revoked key: the revocation deletes it. */
  readonly subject?: string | undefined
  /** The relation that the key was created with. */
  readonly relation: Relation
  readonly readOnly: boolean
  readonly ownerOnly: boolean
  readonly createdAt: ReadTime
  readonly expiresAt?: ReadTime | undefined
  readonly revokedAt?: ReadTime | undefined
  /** Accurate to a minute. */
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
  /** Absent: all chains. */
  readonly domainId?: string | undefined
  readonly subject?: string | undefined
  readonly activeOnly: boolean
}

export interface ApiKeyStore {
  /**
   * Stores a key, adds the tuple if one is given, and appends the rows of `selfAudit` (`granted`: the tuple is new), all in
   * one transaction. Rejects with `domain_not_found`, and with the errors of an append.
   */
  create(
    key: NewApiKey,
    grant: RelationTuple | undefined,
    selfAudit: (granted: boolean) => AppendItem,
  ): Promise<{ readonly record: ApiKeyRecord; readonly auditRows: readonly Placed[] }>
  /**
   * Revokes a key and appends `selfAudit` in the same transaction. `auditRows` is empty for a key that was revoked before.
   * Rejects with `key_not_found`, and with the errors of an append.
   */
  revoke(
    id: string,
    selfAudit: AppendItem,
  ): Promise<{ readonly record: ApiKeyRecord; readonly auditRows: readonly Placed[] }>
  find(id: string): Promise<ApiKeyRecord | undefined>
  /** Returns the first `limit` keys after the key `after`, oldest first. */
  page(
    filter: ApiKeyFilter,
    range: { after: string | undefined; limit: number },
  ): Promise<readonly ApiKeyRecord[]>
}

/** What is stored of a key to check a credential. */
export interface StoredKey {
  readonly domainId: string
  readonly subject: string
  /** 64 hex digits. */
  readonly secretHash: string
  readonly readOnly: boolean
  readonly ownerOnly: boolean
  /** Neither expired nor revoked, by the database's clock. */
  readonly isActive: boolean
  /** The recorded last use is more than a minute old. */
  readonly isUseDue: boolean
}

export interface ApiKeyLookup {
  /** Finds a key with one query, whether the key exists or not. */
  lookUp(id: string): Promise<StoredKey | undefined>
  /** Records a use of the key now, unless one was recorded within the last minute. */
  touch(id: string): Promise<void>
}

export interface AccessPolicyStore extends OwnerOnlyPolicy {
  /** Sets the policy and appends `selfAudit` in one transaction. `auditRows` is empty if the policy did not change. */
  setEraseOwnerOnly(
    domainId: string,
    value: boolean,
    selfAudit: AppendItem,
  ): Promise<{ readonly auditRows: readonly Placed[] }>
}
