import type { Access, AccessRelation, DenialReason } from '../ports/access.js'
import type { IdentityEraser } from '../ports/erasure.js'
import type { Integrity } from '../ports/integrity.js'
import type { HeadsOf } from '../ports/log/heads.js'
import type { CursorKey } from '../ports/pepper.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { EntryReader } from '../ports/query.js'
import type { EntrySource } from '../ports/verify.js'

/** Structured log lines. No field holds personal data: no subject, address, query, header or credential. */
export interface HttpLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** A read or an erasure that was refused to an authenticated caller. */
export interface Denial {
  /** The caller as relations name them: `user:<id>` or `service:<id>`. */
  readonly subject: string
  /** The caller as audit rows name them: the id alone. */
  readonly subjectId: string
  readonly domainId: string
  readonly relation: AccessRelation
  readonly reason: DenialReason
  readonly correlationId: string
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** Records denials. */
export interface DenialLog {
  /** Neither waits nor throws, so that the answer is sent first. */
  add(denial: Denial): void
}

/** One answered request, for metrics. */
export interface Answered {
  /** The operationId of the route, or `other` for a path without one. */
  readonly operation: string
  readonly status: number
  readonly seconds: number
}

/** The ports of the HTTP server. An operation whose port is absent answers 501 `audit_not_provisioned`. */
export interface HttpDeps extends Access {
  readonly entries?: EntryReader | undefined
  readonly cursorKey: CursorKey
  /** The copy that verify reads. */
  readonly source?: EntrySource | undefined
  /** Reads the signed heads that verify compares. Absent: it looks for none. */
  readonly headsOf?: HeadsOf | undefined
  /** Where verify records its findings. */
  readonly quarantine?: QuarantineStore | undefined
  readonly eraser?: IdentityEraser | undefined
  readonly integrity: Integrity
  readonly denials: DenialLog
  readonly log: HttpLog
  readonly onAnswered?: ((answered: Answered) => void) | undefined
  /** Verifications that may run at once. Further requests are answered with 429. */
  readonly maxVerifies: number
}
