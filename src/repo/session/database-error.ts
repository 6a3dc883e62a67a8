import type { Advice } from '../../base/advice.js'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'

/** The SQLSTATEs (PostgreSQL manual, appendix A) that mean more than "the statement failed". */
const BY_SQLSTATE: Readonly<Record<string, ErrorCode>> = {
  '42501': 'database_permission_denied',
  '25006': 'database_read_only',
  '25P03': 'database_unavailable',
  '25P04': 'database_unavailable',
  '28000': 'database_unavailable',
  '28P01': 'database_unavailable',
  '3D000': 'database_unavailable',
  '42P01': 'schema_missing',
  '53300': 'database_unavailable',
  '55P03': 'lock_timeout',
  '57P01': 'database_unavailable',
  '57P02': 'database_unavailable',
  '57P03': 'database_unavailable',
  '57P04': 'database_unavailable',
  '57P05': 'database_unavailable',
  // Raised by migrations/0005_erasure.sql.
  WO002: 'legal_hold',
}

const ADVICE: Partial<Record<ErrorCode, Advice>> = {
  database_unavailable: { code: 'check_database_url' },
  database_permission_denied: { code: 'grant_database_role' },
  database_read_only: { code: 'use_primary' },
  schema_missing: { code: 'migrate' },
  lock_timeout: { code: 'end_lock_holder', pids: [] },
  legal_hold: { code: 'list_holds' },
}

/** Returns any failure of a PostgreSQL call as an AuditError. The message is the server's, which never holds a password. */
export function databaseError(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  // Neither the driver nor the server throws these errors. A bug of ours must not look like an unreachable server.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof FormatError) {
    return new AuditError('internal', `internal error: ${error.name}: ${error.message}`, { cause: error })
  }
  const { code: sqlstate, message, routine } = describe(error)
  if (routine === 'check_enable_rls') return hiddenRows(error, message)
  const known = isStandby(sqlstate, message, routine) ? 'database_read_only' : BY_SQLSTATE[sqlstate]
  const code = known ?? (isSqlstate(sqlstate) ? 'database_failed' : 'database_unavailable')
  const suffix = sqlstate === '' || message.includes(sqlstate) ? '' : ` (${sqlstate})`
  // The message is put on one line: a second line would look like one of our hints.
  return new AuditError(code, `Postgres: ${message.replaceAll(/\s+/g, ' ')}${suffix}`, {
    cause: error,
    advice: isRuleInstead(sqlstate, message) ? { code: 'find_withholding_trigger' } : ADVICE[code],
  })
}

/** With row_security off, a policy that applies to this role is an error instead of a result with fewer rows. */
function hiddenRows(cause: unknown, message: string): AuditError {
  return new AuditError(
    'database_permission_denied',
    `a row security policy may hide rows from this role, so nothing was read: Postgres: ${message.replaceAll(/\s+/g, ' ')} (42501)`,
    { cause, advice: { code: 'find_policy' } },
  )
}

/** A rule that takes the place of a statement makes its RETURNING an error. */
function isRuleInstead(sqlstate: string, message: string): boolean {
  return sqlstate === '0A000' && message.includes('RETURNING')
}

/** BEGIN READ WRITE fails on a hot standby in the check of the setting, whose message may be translated. */
function isStandby(sqlstate: string, message: string, routine: unknown): boolean {
  const isCheck = routine === 'call_bool_check_hook' || message.includes('read-write mode during recovery')
  return sqlstate === '0A000' && isCheck
}

function isSqlstate(code: string): boolean {
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !code.startsWith('08')
}

interface Described {
  readonly code: string
  readonly message: string
  /** The function of the server that raised the error; unlike the message, it is not translated. */
  readonly routine?: unknown
}

function describe(error: unknown): Described {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  if (!(error instanceof Error)) return { code: '', message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return { code, message: error.message, routine: 'routine' in error ? error.routine : undefined }
}
