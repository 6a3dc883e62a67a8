import type { AppendItem, Placed } from './append.js'
import type { RelationTuple } from './relations.js'

/** The subject of an erasure on one chain. */
export interface ErasureSubject {
  readonly domainId: string
  /** 64 hex digits. */
  readonly pseudonym: string
  /** A UUID in lower case. Every subject whose mapping names this identity is included. */
  readonly identityId?: string | undefined
}

/** What one chain holds about a subject, from one snapshot. */
export interface SubjectTraces {
  /** The pseudonym of the chain's first row. Absent for a chain without rows. */
  readonly genesisPseudonym?: string | undefined
  /** The requested pseudonym, then those of its identity. */
  readonly pseudonyms: readonly string[]
  readonly mappings: number
  readonly contexts: number
  /** Rows whose subject is one of the pseudonyms. They are not deleted. */
  readonly rows: number
  /** Ids of the legal holds in force that cover any of this data. */
  readonly holds: readonly number[]
}

/** What was deleted for one pseudonym. */
export interface ErasedPseudonym {
  readonly pseudonym: string
  readonly mappings: number
  readonly contexts: number
  /** Whether this erasure blocked the pseudonym. False if it was blocked before. */
  readonly blocked: boolean
}

export interface Erasure {
  /** The requested pseudonym, then those of its identity. */
  readonly erased: readonly ErasedPseudonym[]
  /** The self-audit rows, in the same order. For a repeated erasure, the last row of the first pseudonym. */
  readonly auditRows: readonly Placed[]
  /** Nothing was left to delete, and an earlier row records the erasure: nothing was written. */
  readonly repeated: boolean
}

export interface ErasureStore {
  traces(subject: ErasureSubject): Promise<SubjectTraces>
  /**
   * Deletes the mappings, contexts and idempotency keys of the subject, blocks the subject if requested, and appends the
   * rows of `selfAudit`, one for each pseudonym in the given order. All of that is one transaction under the chain's lock,
   * and is durable when the call resolves. Rejects with `legal_hold` when a hold covers any of the data, and with the
   * errors of an append; nothing has changed then, unless the code is `outcome_unknown` or `write_undone`. Safe to call
   * concurrently: the lock puts erasures, appends, holds and purges of a chain in one order.
   */
  erase(
    subject: ErasureSubject,
    options: { readonly block: boolean },
    selfAudit: (erased: readonly ErasedPseudonym[]) => AppendItem,
  ): Promise<Erasure>
}

/** A reference to a person that an erasure does not delete. */
export type Remaining =
  | { readonly kind: 'api_key'; readonly id: string }
  | { readonly kind: 'relation_tuple'; readonly tuple: RelationTuple }

/** Finds references to a subject outside the log. */
export interface RemainingReferences {
  /** Called before an erasure. A rejection prevents the erasure. */
  of(subject: ErasureSubject): Promise<readonly Remaining[]>
}

/** The result of erasing an identity. */
export interface ErasedIdentity {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym: string
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly erasedAt: bigint
}

export interface IdentityEraser {
  /**
   * Deletes the personal data that one chain holds about an identity and writes the self-audit row, durably and in one
   * transaction. Treats an identity that the chain never had in the same way, so that the answer does not show which it
   * was. `identityId` is a UUID in lower case, `actor` is the subject_id of the self-audit row. Rejects with
   * `domain_not_found`, or with the error that prevented the erasure.
   */
  erase(request: {
    readonly domainId: string
    readonly identityId: string
    readonly actor: string
  }): Promise<ErasedIdentity>
}
