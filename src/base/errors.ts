import type { Advice } from './advice.js'

/**
 * Everything that can go wrong, as one closed set. The edges map the codes to exit codes (cli/shell/exit-codes.ts) and
 * HTTP statuses; docs/errors.md lists every code and no other.
 */
export const ERROR_CODES = [
  // Errors that the caller can correct.
  'usage',
  'invalid_input',
  'invalid_cursor',
  'invalid_limit',
  'invalid_range',
  'invalid_seq',
  'invalid_subject',
  'invalid_domain_id',
  'residency_unknown',
  'personal_data_in_chain',
  'relation_reserved',
  'pepper_mismatch',
  'pepper_not_configured',
  'idempotency_conflict',
  'domain_exists',
  'chain_exists',
  'already_acknowledged',
  'already_released',
  'legal_hold',
  'output_exists',
  'policy_invalid',
  'checkpoint_malformed',
  'log_name_conflict',
  'key_mismatch',
  'down_migration_refused',
  'no_transaction',
  'isolation_unsupported',
  // Things that do not exist.
  'domain_not_found',
  'entry_not_found',
  'quarantine_not_found',
  'hold_not_found',
  'subject_not_found',
  'key_not_found',
  'relation_not_found',
  'nothing_to_verify',
  'nothing_to_sign',
  'not_signed',
  // Checks and operations that could not be done.
  'database_not_configured',
  'database_unavailable',
  'database_permission_denied',
  'database_read_only',
  'database_failed',
  'lock_timeout',
  'lock_order',
  'chain_busy',
  'retry_transaction',
  'rollback_required',
  'archiver_running',
  'schema_missing',
  'schema_outdated',
  'schema_newer',
  'schema_changed',
  'schema_shadowed',
  'schema_altered',
  'guards_missing',
  'triggers_off',
  'embedded_unavailable',
  'pepper_unavailable',
  'log_key_unavailable',
  'signer_state_missing',
  'mirror_broken',
  'restore_running',
  'restore_unfinished',
  'mirror_unavailable',
  'mirror_not_mapped',
  'mirror_permission_denied',
  'mirror_unmarked',
  'mirror_mismatch',
  'archive_behind',
  'index_incomplete',
  'standby_behind',
  'copy_incomplete',
  'platform_chain_absent',
  'access_denied',
  'authenticator_unavailable',
  'authorizer_unavailable',
  'generation_unknown',
  'entry_malformed',
  'chain_conflict',
  'chain_not_recorded',
  'outcome_unknown',
  'write_undone',
  'file_unreadable',
  'bundle_malformed',
  'bundle_filtered',
  'pin_not_held',
  'proof_unavailable',
  'output_failed',
  'listen_failed',
  // Bugs of this program.
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorOptions {
  /** What the caller can do next, as data. The edges word it. */
  readonly advice?: Advice | undefined
  /** What the caller can do next, in words. The command line prints the hint of an error without advice. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * The one error class of this program. The message says what was checked, what was expected and found, and where. It
 * never holds a secret or personal data, because it may be printed anywhere.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly advice: Advice | undefined
  readonly hint: string | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, { cause: options.cause })
    this.advice = options.advice
    this.hint = options.hint
  }
}

/**
 * Returns whether a long-running program reports a failure and tries again. A bug ends the run, and so does the schema of a
 * newer program: it never goes back.
 */
export function isRetryable(error: unknown): error is AuditError {
  return error instanceof AuditError && error.code !== 'internal' && error.code !== 'schema_newer'
}

/** Returns the code that the system or a library gives a failure, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
