import { AuditError, type ErrorCode } from '../../base/errors.js'
import { entryNotFound, HttpProblem, isProblemCode } from './problem.js'

type Status = 400 | 404 | 409 | 500 | 503

/**
 * The status of each error of a use case: 4xx for what the client can fix or what does not exist, 500 for a bug, 503 for a
 * store that is unavailable.
 */
const BY_ERROR = {
  usage: 500,
  invalid_input: 400,
  invalid_cursor: 400,
  invalid_limit: 400,
  invalid_range: 400,
  invalid_seq: 400,
  invalid_subject: 400,
  invalid_domain_id: 400,
  residency_unknown: 500,
  personal_data_in_chain: 500,
  relation_reserved: 500,
  pepper_mismatch: 503,
  pepper_not_configured: 503,
  idempotency_conflict: 500,
  domain_exists: 500,
  output_exists: 500,
  policy_invalid: 500,
  checkpoint_malformed: 500,
  log_name_conflict: 500,
  key_mismatch: 500,
  bundle_malformed: 500,
  bundle_filtered: 500,
  pin_not_held: 500,
  not_signed: 500,
  proof_unavailable: 500,
  chain_exists: 500,
  already_acknowledged: 500,
  down_migration_refused: 500,
  no_transaction: 500,
  isolation_unsupported: 500,
  domain_not_found: 404,
  entry_not_found: 404,
  quarantine_not_found: 500,
  hold_not_found: 500,
  subject_not_found: 500,
  already_released: 500,
  legal_hold: 409,
  key_not_found: 500,
  relation_not_found: 500,
  nothing_to_verify: 404,
  nothing_to_sign: 500,
  database_not_configured: 503,
  database_unavailable: 503,
  database_permission_denied: 503,
  database_read_only: 503,
  database_failed: 503,
  lock_timeout: 503,
  lock_order: 503,
  chain_busy: 503,
  retry_transaction: 503,
  rollback_required: 503,
  archiver_running: 503,
  schema_missing: 503,
  schema_outdated: 503,
  schema_newer: 503,
  schema_changed: 503,
  schema_shadowed: 503,
  schema_altered: 503,
  guards_missing: 500,
  triggers_off: 503,
  restore_running: 503,
  restore_unfinished: 503,
  embedded_unavailable: 503,
  pepper_unavailable: 503,
  log_key_unavailable: 503,
  signer_state_missing: 503,
  mirror_broken: 503,
  mirror_unavailable: 503,
  mirror_not_mapped: 503,
  mirror_permission_denied: 503,
  mirror_unmarked: 503,
  mirror_mismatch: 503,
  archive_behind: 503,
  index_incomplete: 503,
  standby_behind: 503,
  copy_incomplete: 503,
  platform_chain_absent: 503,
  access_denied: 500,
  authenticator_unavailable: 503,
  authorizer_unavailable: 503,
  generation_unknown: 503,
  entry_malformed: 503,
  chain_conflict: 503,
  chain_not_recorded: 503,
  outcome_unknown: 503,
  write_undone: 503,
  file_unreadable: 503,
  output_failed: 503,
  listen_failed: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, Status>

/** Returns the problem for an error. Drops the error's message, which may hold text that a client must not see. */
export function errorProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  const code = error instanceof AuditError ? error.code : 'internal'
  const status = BY_ERROR[code]
  if (status === 503) {
    return new HttpProblem(503, {
      detail: 'a service that this request needs is unavailable; try again later',
      headers: { 'retry-after': '5' },
    })
  }
  // A segment that ends beyond the chain names an entry that does not exist.
  if (code === 'entry_not_found' || code === 'nothing_to_verify') return entryNotFound()
  return new HttpProblem(status, { code: isProblemCode(code) ? code : undefined, detail: DETAILS[status] })
}

const DETAILS = {
  400: 'the request is not valid',
  404: 'there is no such Domain',
  409: 'a legal hold covers this',
  500: 'a bug in this server; its log has details under the correlation id',
} as const
