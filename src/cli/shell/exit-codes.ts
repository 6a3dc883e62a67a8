import type { ErrorCode } from '../../base/errors.js'

/** The exit codes (README, "Exit codes"); the only place where an exit status is a number. */
export const EXIT = {
  done: 0,
  finding: 1,
  refused: 2,
  unable: 3,
  nothing: 4,
  unproven: 5,
  internal: 70,
  sigint: 130,
  sigterm: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface ExitMeaning {
  readonly codes: readonly ExitCode[]
  readonly meaning: string
}

/** The meaning of each exit code, as `--help` and the README print it. */
export const EXIT_MEANINGS: readonly ExitMeaning[] = [
  { codes: [EXIT.done], meaning: 'done; for verify: every row in the segment is intact' },
  { codes: [EXIT.finding], meaning: 'a divergence was found (tampering); nothing else ends with 1' },
  {
    codes: [EXIT.refused],
    meaning: 'usage, or input refused (a bad flag, a bad line, a limit, a missing --confirm)',
  },
  {
    codes: [EXIT.unable],
    meaning: 'could not check or do: a store is unreachable, a permission is missing, a read failed',
  },
  { codes: [EXIT.nothing], meaning: 'nothing to verify or no such thing: unknown Domain, unknown seq' },
  { codes: [EXIT.unproven], meaning: 'not proven: what was required is missing, and nothing contradicts it' },
  { codes: [EXIT.internal], meaning: 'a bug in this program: an uncaught throw, a missing build' },
  { codes: [EXIT.sigint, EXIT.sigterm], meaning: 'ended by SIGINT, SIGTERM, after an orderly stop' },
]

const BY_ERROR = {
  usage: EXIT.refused,
  invalid_input: EXIT.refused,
  invalid_cursor: EXIT.refused,
  invalid_limit: EXIT.refused,
  invalid_range: EXIT.refused,
  invalid_seq: EXIT.refused,
  invalid_subject: EXIT.refused,
  invalid_domain_id: EXIT.refused,
  residency_unknown: EXIT.refused,
  personal_data_in_chain: EXIT.refused,
  relation_reserved: EXIT.refused,
  pepper_mismatch: EXIT.refused,
  pepper_not_configured: EXIT.refused,
  idempotency_conflict: EXIT.refused,
  domain_exists: EXIT.refused,
  chain_exists: EXIT.refused,
  already_acknowledged: EXIT.refused,
  already_released: EXIT.refused,
  legal_hold: EXIT.refused,
  output_exists: EXIT.refused,
  policy_invalid: EXIT.refused,
  checkpoint_malformed: EXIT.refused,
  log_name_conflict: EXIT.refused,
  key_mismatch: EXIT.refused,
  down_migration_refused: EXIT.refused,
  no_transaction: EXIT.refused,
  isolation_unsupported: EXIT.refused,
  domain_not_found: EXIT.nothing,
  entry_not_found: EXIT.nothing,
  quarantine_not_found: EXIT.nothing,
  hold_not_found: EXIT.nothing,
  subject_not_found: EXIT.nothing,
  key_not_found: EXIT.nothing,
  relation_not_found: EXIT.nothing,
  nothing_to_verify: EXIT.nothing,
  nothing_to_sign: EXIT.nothing,
  not_signed: EXIT.nothing,
  database_not_configured: EXIT.unable,
  database_unavailable: EXIT.unable,
  database_permission_denied: EXIT.unable,
  database_read_only: EXIT.unable,
  database_failed: EXIT.unable,
  lock_timeout: EXIT.unable,
  lock_order: EXIT.unable,
  chain_busy: EXIT.unable,
  retry_transaction: EXIT.unable,
  rollback_required: EXIT.unable,
  archiver_running: EXIT.unable,
  schema_missing: EXIT.unable,
  schema_outdated: EXIT.unable,
  schema_newer: EXIT.unable,
  schema_changed: EXIT.unable,
  schema_shadowed: EXIT.unable,
  schema_altered: EXIT.unable,
  guards_missing: EXIT.unable,
  triggers_off: EXIT.unable,
  embedded_unavailable: EXIT.unable,
  pepper_unavailable: EXIT.unable,
  log_key_unavailable: EXIT.unable,
  signer_state_missing: EXIT.unable,
  mirror_broken: EXIT.unable,
  restore_running: EXIT.unable,
  restore_unfinished: EXIT.unable,
  mirror_unavailable: EXIT.unable,
  mirror_not_mapped: EXIT.unable,
  mirror_permission_denied: EXIT.unable,
  mirror_unmarked: EXIT.unable,
  mirror_mismatch: EXIT.unable,
  archive_behind: EXIT.unable,
  index_incomplete: EXIT.unable,
  standby_behind: EXIT.unable,
  copy_incomplete: EXIT.unable,
  platform_chain_absent: EXIT.unable,
  access_denied: EXIT.unable,
  authenticator_unavailable: EXIT.unable,
  authorizer_unavailable: EXIT.unable,
  generation_unknown: EXIT.unable,
  entry_malformed: EXIT.unable,
  chain_conflict: EXIT.unable,
  chain_not_recorded: EXIT.unable,
  outcome_unknown: EXIT.unable,
  write_undone: EXIT.unable,
  file_unreadable: EXIT.unable,
  bundle_malformed: EXIT.unable,
  bundle_filtered: EXIT.unable,
  pin_not_held: EXIT.unable,
  proof_unavailable: EXIT.unable,
  output_failed: EXIT.unable,
  listen_failed: EXIT.unable,
  internal: EXIT.internal,
} as const satisfies Record<ErrorCode, ExitCode>

export function exitOfError(code: ErrorCode): ExitCode {
  return BY_ERROR[code]
}

/**
 * The first of 1, 70, 143, 130, 3, 2, 4, 5, 0 wins (`--all`, two copies). A finding and a bug win over a signal, so that they are not
 * hidden; a signal wins over the work that it interrupted. Refused lines (`append --rejects`) win over a missing thing.
 */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.finding,
  EXIT.internal,
  EXIT.sigterm,
  EXIT.sigint,
  EXIT.unable,
  EXIT.refused,
  EXIT.nothing,
  EXIT.unproven,
  EXIT.done,
]

export function worstExit(codes: Iterable<ExitCode>): ExitCode {
  const given = new Set(codes)
  return PRECEDENCE.find((code) => given.has(code)) ?? EXIT.done
}

let status: ExitCode = EXIT.done

/** Adds one outcome to the status of this process. bin/run.js sets `process.exitCode` from it, once, at the end. */
export function raiseExit(code: ExitCode): void {
  status = worstExit([status, code])
}

/** Resets the status before the next command line in this process. */
export function resetExit(): void {
  status = EXIT.done
}

export function exitStatus(): ExitCode {
  return status
}
