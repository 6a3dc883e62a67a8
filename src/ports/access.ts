import type { ChainObject } from '../chain/self-audit.js'

/**
 * The relation that an operation requires on a chain. Owners and admins have `manage`, only auditors have `auditor`. Granting
 * `owner` and creating owner-only keys require `owner`.
 */
export type AccessRelation = 'auditor' | 'manage' | 'owner'

/** An object of access: the chain of one Domain (`domain:<id>`, in lower case) or the platform chain. */
export type AccessObject = ChainObject

/** The caller that a credential names. Holds no secret. */
export interface Principal {
  /** The caller as relations name them: `user:<id>` or `service:<id>`. */
  readonly subject: string
  /** The subject_id of audit rows about the caller: the bare id, so that erasing an identity also finds its denied reads. */
  readonly subjectId: string
  /** The id of the API key, not its text. Absent for a JWT. */
  readonly keyId?: string | undefined
  /** The only object that the credential is valid for. Absent: every object that the subject has relations on. */
  readonly boundChain?: AccessObject | undefined
  /** Valid for GET only. */
  readonly readOnly: boolean
  /** Whether the credential is an owner-only key: only an owner can have created it. */
  readonly hasOwnerKey: boolean
}

export interface Authenticator {
  /**
   * Resolves with the caller of a bearer text: the hostile text after `Bearer `, of 1 to 8,192 printable ASCII characters.
   * Resolves with `undefined` for every invalid credential: unknown, malformed, expired and revoked ones take the same time
   * and are indistinguishable. Rejects with `authenticator_unavailable`, or with the database's own code, when the credential
   * could not be checked; it resolves neither with `undefined` nor with a caller then.
   */
  authenticate(bearer: string, signal: AbortSignal): Promise<Principal | undefined>
}

/** Why a request was denied. */
export type DenialReason = 'out_of_scope' | 'insufficient_relation' | 'caveat_violation'

export type AccessDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly reason: DenialReason
      /** The relations that were walked, in the form of a stored relation_path. Names no object that the caller did not name. */
      readonly relationPath?: readonly string[] | undefined
    }

export interface Authorizer {
  /**
   * Resolves with whether `subject` has `relation` on `object` now: a relation that was revoked before the call does not count.
   * An object that does not exist has no relations, and its check takes the same time. Rejects with `authorizer_unavailable`,
   * or with the database's own code, when there is no clear answer; it never resolves with a decision then. Safe to call
   * concurrently.
   */
  check(
    subject: string,
    relation: AccessRelation,
    object: AccessObject,
    signal: AbortSignal,
  ): Promise<AccessDecision>
}

/** The policy of a Domain about operations that need an owner-only key. */
export interface OwnerOnlyPolicy {
  /** Resolves with whether erasing on this chain requires an owner-only key. `false` for an unknown Domain. */
  isEraseOwnerOnly(object: AccessObject, signal: AbortSignal): Promise<boolean>
}

/** Who calls, and what they may do. */
export interface Access {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly erasePolicy: OwnerOnlyPolicy
}
