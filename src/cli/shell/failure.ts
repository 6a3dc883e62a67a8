import { AuditError, type ErrorCode } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { hideCredentials, jsonText, safeLines } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { exitOfError, raiseExit } from './exit-codes.js'
import { isInterruption } from './interruption.js'
import { isFlagError, plainMessage, usageError } from './usage-error.js'

/** Puts an error on stderr and its code into the exit status. The one place where either is done. */
export function reportFailure(error: unknown, json: boolean, hint = 'run: audit --help'): void {
  if (isInterruption(error)) return
  const failure = auditError(error, hint)
  raiseExit(exitOfError(failure.code))
  for (const line of json ? [asJson(failure)] : asText(failure)) note(line)
  if (failure.code === 'internal' && process.env.AUDIT_DEBUG) for (const line of stackOf(error)) note(line)
}

/** Any thrown value as an AuditError. What is not known here is a bug of ours. */
export function auditError(error: unknown, hint: string): AuditError {
  if (error instanceof AuditError) {
    return new AuditError(error.code, plainMessage(error), { hint: error.hint, cause: error.cause })
  }
  if (error instanceof FormatError) {
    return new AuditError(codeOfField(error.field), plainMessage(error), { cause: error })
  }
  if (error instanceof Error && isUsage(error)) return usageError(error, hint)
  return new AuditError('internal', `internal error: ${describe(error)}`, {
    cause: error,
    hint: 'this is a bug in audit; AUDIT_DEBUG=1 shows where',
  })
}

/** oclif marks its errors with the exit status it would end with: 2 for what the caller typed. */
function isUsage(error: Error): boolean {
  const exit = 'oclif' in error ? (error.oclif as { exit?: unknown }).exit : undefined
  return exit === 2 || isFlagError(error)
}

function codeOfField(field: string): ErrorCode {
  if (field === 'domain_id') return 'invalid_domain_id'
  if (field === 'seq') return 'invalid_seq'
  return field === 'subject_id' ? 'invalid_subject' : 'invalid_input'
}

function asJson({ code, message, hint }: AuditError): string {
  return jsonText({
    error: {
      code,
      message: hideCredentials(message),
      hint: hint === undefined ? hint : hideCredentials(hint),
    },
  })
}

function asText({ message, hint }: AuditError): string[] {
  const lines = safeLines(hideCredentials(message))
  const hints = hint === undefined ? [] : safeLines(hideCredentials(hint))
  return [`Error: ${lines.join('\n  ')}`, ...hints.map((line) => `  ${line}`)]
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error
}

function stackOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return safeLines(hideCredentials(stack))
    .filter((line) => line.trim().startsWith('at '))
    .slice(0, 8)
}
