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
  legal_hold: { code: 'list_holds' },
}

/** Returns any failure of a PostgreSQL call as an AuditError. The message is the server's, which never holds a password. */
export function databaseError(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  // Neither the driver nor the server throws these errors. A bug of ours must not look like an unreachable server.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof FormatError) {
    return new AuditError('internal', `internal error: ${error.name}: ${error.message}`, { cause: error })
  }
  const { code: sqlstate, message } = describe(error)
  const code = BY_SQLSTATE[sqlstate] ?? (isSqlstate(sqlstate) ? 'database_failed' : 'database_unavailable')
  const suffix = sqlstate === '' ? '' : ` (${sqlstate})`
  // The message is put on one line: a second line would look like one of our hints.
  return new AuditError(code, `Postgres: ${message.replaceAll(/\s+/g, ' ')}${suffix}`, {
    cause: error,
    advice: ADVICE[code],
  })
}

function isSqlstate(code: string): boolean {
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !code.startsWith('08')
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  if (!(error instanceof Error)) return { code: '', message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return { code, message: error.message }
}
