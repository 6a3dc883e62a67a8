import type { AppendItem, Placed } from './append.js'
import type { RelationTuple } from './relations.js'

/** Whose personal data on one chain. */
export interface ErasureSubject {
  readonly domainId: string
  /** 64 hex digits. */
  readonly pseudonym: string
  /** Lower-case UUID: every subject whose mapping says to be this identity is meant too. */
  readonly identityId?: string | undefined
}

/** What one chain holds of a subject, all of one moment. */
export interface SubjectTraces {
  /** Of the chain's first row; absent where it has none. */
  readonly genesisPseudonym?: string | undefined
  /** The pseudonym asked for, then those of its identity. */
  readonly pseudonyms: readonly string[]
  readonly mappings: number
  readonly contexts: number
  /** Rows that name one of the pseudonyms as their subject; they stay. */
  readonly rows: number
  /** Ids of the legal holds in force that cover any of it. */
  readonly holds: readonly number[]
}

/** What went of one pseudonym. */
export interface ErasedPseudonym {
  readonly pseudonym: string
  readonly mappings: number
  readonly contexts: number
  /** Whether it was blocked now: not if it had been before. */
  readonly blocked: boolean
}

export interface Erasure {
  /** The pseudonym asked for, then those of its identity. */
  readonly erased: readonly ErasedPseudonym[]
  /** The self-audit rows, in the same order; of an erasure that was there before, the last one of the first pseudonym. */
  readonly auditRows: readonly Placed[]
  /** There was nothing left to do, and an earlier row tells of the erasure: nothing was written. */
  readonly repeated: boolean
}

export interface ErasureStore {
  traces(subject: ErasureSubject): Promise<SubjectTraces>
  /**
   * In one transaction under the chain's lock: deletes the mappings, contexts and idempotency keys of the subject, blocks
   * it if asked to, and appends what `selfAudit` makes of that, one row for each pseudonym in the order given. Durable
   * when it resolves. Rejects with `legal_hold` where a hold covers any of it, and as an append does; then nothing has
   * changed, unless the code is `outcome_unknown`. Safe to call at once: with appends, holds and purges of the chain it is
   * in one order.
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

/** What is left of an identity that was erased. */
export interface ErasedIdentity {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym: string
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly erasedAt: bigint
}

export interface IdentityEraser {
  /**
   * Purges the personal data that one chain holds of an identity and writes the self-audit row, durably and in one. An
   * identity that the chain never knew is erased as well: the answer does not tell. `identityId` is a UUID in lower case,
   * `actor` the subject_id of the self-audit row. Rejects with `domain_not_found`, or with what kept it from doing so.
   */
  erase(request: {
    readonly domainId: string
    readonly identityId: string
    readonly actor: string
  }): Promise<ErasedIdentity>
}
