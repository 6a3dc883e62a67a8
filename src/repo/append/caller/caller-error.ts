import { AuditError } from '../../../base/errors.js'
import { databaseError } from '../../session/database-error.js'
import { HeadRace } from '../append-chains.js'
import { notStored } from '../assert-stored.js'
import { otherDatabase } from './assert-session.js'
import { failureOf } from './failing.js'
import { serverError } from './server-error.js'

const HEADS = 'audit_log_chain_head'
const DEADLOCK = '40P01'
const SERIALIZATION_FAILURE = '40001'
const NO_TRANSACTION = '25P01'
const FAILED_TRANSACTION = '25P02'
const NO_PARAMETER = '42P02'
const NO_SCHEMA = '3F000'
const NO_TABLE = '42P01'

/** Returns whether the transaction is still open after this error, so that a savepoint of it can be rolled back to. */
export function hasSavepoint(error: unknown): boolean {
  const lost = [DEADLOCK, SERIALIZATION_FAILURE, NO_TRANSACTION, FAILED_TRANSACTION]
  return !lost.includes(serverError(error).code)
}

/** Returns whether an error says that the connection is gone, and the transaction with it. */
export function isConnectionLost(error: unknown): boolean {
  if (/^(?:08|57P0)|^25P0[34]$/.test(serverError(error).code)) return true
  const { message, code = '' } = (innermost(error) ?? {}) as { message?: string; code?: string }
  return /^E[A-Z]+$/.test(code) || /connection terminated|not queryable|connection ended/i.test(message ?? '')
}

/** Returns any failure of the caller's client as an AuditError. */
export function callerError(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  const failure = failureOf(error)
  if (failure !== undefined) {
    const { table, stored, expected } = failure
    return table === HEADS ? new HeadRace() : notStored(table, stored, expected)
  }
  const { code } = serverError(error)
  if (code === DEADLOCK || code === SERIALIZATION_FAILURE) return mustRetry(error, code)
  if (code === NO_TRANSACTION) {
    return new AuditError(
      'no_transaction',
      'recordIn: the client is not inside a transaction; nothing was written',
      {
        cause: error,
        advice: { code: 'begin_transaction' },
      },
    )
  }
  if (code === FAILED_TRANSACTION) {
    return new AuditError(
      'database_failed',
      'recordIn: an earlier statement of this transaction failed, and PostgreSQL accepts only a rollback (25P02)',
      { cause: error, advice: { code: 'roll_back_transaction' } },
    )
  }
  if (code === NO_PARAMETER) return noValues(error)
  if (code === NO_SCHEMA || code === NO_TABLE)
    return otherDatabase(`and its session lacks a table (${code})`, error)
  return isRefusal(code) ? refusal(error) : databaseError(innermost(error))
}

function noValues(cause: unknown): AuditError {
  return new AuditError(
    'usage',
    'recordIn: expected a client that sends the values of query(text, values); the entries have personal data, which is sent as a value',
    { cause, advice: { code: 'give_one_client' } },
  )
}

/** Returns whether PostgreSQL refused the rows: class 22 (data) or 23 (integrity constraint). */
function isRefusal(code: string): boolean {
  return /^2[23]/.test(code)
}

/** The server's message is left out, because it may quote a value. */
function refusal(error: unknown): AuditError {
  const { code, constraint } = serverError(error)
  const isTaken = code === '23505'
  return new AuditError(
    isTaken ? 'chain_conflict' : 'invalid_input',
    isTaken
      ? `a row or head already exists (${constraint})`
      : `Postgres refused a row (${code} ${constraint})`,
    { cause: error, advice: isTaken ? { code: 'verify_all' } : undefined },
  )
}

function mustRetry(cause: unknown, code: string): AuditError {
  const what = code === DEADLOCK ? 'ended a deadlock with' : 'could not serialize'
  return new AuditError(
    'retry_transaction',
    `PostgreSQL ${what} this transaction (${code}); nothing of it is stored`,
    {
      cause,
      advice: { code: 'roll_back_and_retry' },
    },
  )
}

/** Returns the driver's error, from which the message is taken. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error
}
