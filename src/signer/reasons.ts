import { AuditError, type ErrorCode } from '../base/errors.js'
import { mirrorFailure } from '../base/store-failure.js'
import type { Finding } from '../chain/finding.js'

/**
 * Why a chain is not signed, as a closed set, each with the exit code of a single pass (tlog.md, section 7). 0: the pass ends as it
 * would without a key.
 */
export const NOT_SIGNED = {
  off: 0,
  no_key: 0,
  not_initialised: 0,
  too_long: 0,
  restoring: 0,
  rows_held: 1,
  findings: 1,
  copies_differ: 1,
  rolled_back: 1,
  conflict: 1,
  object_missing: 3,
  mirror_unreadable: 3,
  state_missing: 3,
  state_unwritable: 3,
  not_permitted: 3,
  key_mismatch: 2,
} as const

export type NotSignedReason = keyof typeof NOT_SIGNED

/** What is known beside the reason. */
export interface RefusalFacts {
  /** What the signer found in the rows or in the object of the last row. */
  readonly findings?: readonly Finding[]
  readonly cause?: unknown
}

/** Thrown where a chain must not be signed. The message says what was checked, what was expected and what was found. */
export class Refusal extends Error {
  readonly findings: readonly Finding[]

  constructor(
    readonly reason: NotSignedReason,
    message: string,
    { findings = [], cause }: RefusalFacts = {},
  ) {
    super(message, { cause })
    this.findings = findings
  }
}

const REASON_OF: Partial<Record<ErrorCode, NotSignedReason>> = {
  signer_state_missing: 'state_missing',
  mirror_permission_denied: 'not_permitted',
  database_permission_denied: 'not_permitted',
  restore_unfinished: 'restoring',
  restore_running: 'restoring',
  log_key_unavailable: 'no_key',
  key_mismatch: 'key_mismatch',
  log_name_conflict: 'key_mismatch',
}

/** Returns the reason that an error gives for a chain that was not signed; undefined for an error that is about no single chain. */
export function reasonOf(error: unknown): NotSignedReason | undefined {
  if (error instanceof Refusal) return error.reason
  if (!(error instanceof AuditError)) return undefined
  const isOfMirror = error.code.startsWith('mirror_') || mirrorFailure(error) !== undefined
  return REASON_OF[error.code] ?? (isOfMirror ? 'mirror_unreadable' : undefined)
}
