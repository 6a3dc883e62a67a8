import type { ChainObject } from '../chain/self-audit.js'

/**
 * What a caller is asked for on a chain: `manage` is held by owners and admins, `auditor` by auditors alone (http.md);
 * `owner` is asked of who makes others owners, or owner-only keys.
 */
export type AccessRelation = 'auditor' | 'manage' | 'owner'

/** What access is given on: the chain of one Domain (`domain:<id>`, lower case) or the platform chain. */
export type AccessObject = ChainObject

/** Who is calling, as a credential says. Holds no secret. */
export interface Principal {
  /** As relations name it: `user:<id>` or `service:<id>`. */
  readonly subject: string
  /** subject_id of audit rows about them: the bare id, so that erasing an identity finds its denied reads too. */
  readonly subjectId: string
  /** Of the API key, not its text; absent for a JWT. */
  readonly keyId?: string | undefined
  /** The one object that the credential is good for; absent: wherever its subject has relations. */
  readonly object?: AccessObject | undefined
  /** Good for GET alone. */
  readonly readOnly: boolean
  /** Good for operations marked owner-only: the key has the mark, and an owner made it. */
  readonly ownerOnly: boolean
}

export interface Authenticator {
  /**
   * The caller behind a bearer text (what follows `Bearer `, 1 to 8,192 printable ASCII characters, hostile). `undefined`
   * for each and every credential that is not good: unknown, malformed, expired and revoked ones take the same time and
   * cannot be told apart. Rejects with `authenticator_unavailable`, or the database's own code, where it could not be
   * checked: never `undefined` then, and never a caller.
   */
  authenticate(bearer: string, signal: AbortSignal): Promise<Principal | undefined>
}

/** Why somebody may not. */
export type DenialReason = 'out_of_scope' | 'insufficient_relation' | 'caveat_violation'

export type AccessDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly reason: DenialReason
      /** The relations that were walked, as the stored relation_path of format.md; names no object that the caller did not. */
      readonly relationPath?: readonly string[] | undefined
    }

export interface Authorizer {
  /**
   * Whether `subject` has `relation` on `object`, as of now: a relation revoked before the call does not count. An object
   * that does not exist is one that nobody has a relation on, and is answered in the same time. Rejects with
   * `authorizer_unavailable`, or the database's own code, where it could not be told: never with a decision then. Safe to
   * call at once.
   */
  check(
    subject: string,
    relation: AccessRelation,
    object: AccessObject,
    signal: AbortSignal,
  ): Promise<AccessDecision>
}

/** Operations that a Domain's policy may mark owner-only. */
export interface OwnerOnlyPolicy {
  /** Whether erasing on this chain takes an owner-only key. `false` for a Domain that is unknown. */
  isEraseOwnerOnly(object: AccessObject, signal: AbortSignal): Promise<boolean>
}
