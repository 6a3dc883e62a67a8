import type {
  AccessRelation,
  Authenticator,
  Authorizer,
  DenialReason,
  OwnerOnlyPolicy,
} from '../ports/access.js'
import type { IdentityEraser } from '../ports/erasure.js'
import type { Integrity } from '../ports/integrity.js'
import type { CursorKey } from '../ports/pepper.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { EntryReader } from '../ports/query.js'
import type { EntrySource } from '../ports/verify.js'

/** A log of structured lines. No field holds personal data: no subject, address, query, header or credential. */
export interface HttpLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** A read or an erasure that was refused to somebody who is known. */
export interface Denial {
  /** As relations name who was refused, and as audit rows do. */
  readonly subject: string
  readonly subjectId: string
  readonly domainId: string
  readonly relation: AccessRelation
  readonly reason: DenialReason
  readonly correlationId: string
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Where denials go. Neither waits nor throws: the answer goes first. */
export interface DenialLog {
  add(denial: Denial): void
}

/** One answered request, for metrics. */
export interface Answered {
  /** operationId, or `other` for a path that has none. */
  readonly operation: string
  readonly status: number
  readonly seconds: number
}

/** What the HTTP surface works with. An operation whose port is absent answers 501 `audit_not_provisioned`. */
export interface HttpDeps {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly ownerOnly?: OwnerOnlyPolicy | undefined
  readonly entries?: EntryReader | undefined
  readonly cursorKey: CursorKey
  /** The copy that verify reads, and where it writes what it finds. */
  readonly source?: EntrySource | undefined
  readonly quarantine?: QuarantineStore | undefined
  readonly eraser?: IdentityEraser | undefined
  readonly integrity: Integrity
  readonly denials: DenialLog
  readonly log: HttpLog
  readonly onAnswered?: ((answered: Answered) => void) | undefined
  /** Verifies that run at once; more are answered with 429. */
  readonly maxVerifies: number
}
