import { AuditError, type ErrorCode } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { hideCredentials, jsonText, safeLines } from '../output/safe-text.js'
import { note, noteStyle } from '../output/streams.js'
import { exitOfError, raiseExit } from './exit-codes.js'
import { hintOf } from './hints.js'
import { isInterruption } from './interruption.js'
import { isFlagError, plainMessage, usageError } from './usage-error.js'

/** Prints an error on stderr and raises the exit status to its code. No other code does this. */
export function reportFailure(error: unknown, json: boolean, hint = 'run: audit --help'): void {
  if (isInterruption(error)) return
  const failure = failureOf(error, hint)
  raiseExit(exitOfError(failure.code))
  for (const line of json ? [asJson(failure)] : asText(failure)) note(line)
  if (failure.code === 'internal' && process.env.AUDIT_DEBUG) for (const line of stackOf(error)) note(line)
}

/** The printed parts of an error. */
interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string | undefined
}

/** Returns what to print for any thrown value. An error of an unknown kind is a bug of ours. */
function failureOf(error: unknown, hint: string): Failure {
  if (error instanceof AuditError) {
    return { code: error.code, message: plainMessage(error), hint: hintOf(error) }
  }
  if (error instanceof FormatError) return { code: codeOfField(error.field), message: plainMessage(error) }
  if (error instanceof Error && isUsage(error)) return usageError(error, hint)
  return {
    code: 'internal',
    message: `internal error: ${describe(error)}`,
    hint: 'this is a bug in audit; AUDIT_DEBUG=1 shows where',
  }
}

/** oclif marks its errors with an exit status: 2 for a mistake of the caller. */
function isUsage(error: Error): boolean {
  const exit = 'oclif' in error ? (error.oclif as { exit?: unknown }).exit : undefined
  return exit === 2 || isFlagError(error)
}

function codeOfField(field: string): ErrorCode {
  if (field === 'domain_id') return 'invalid_domain_id'
  if (field === 'seq') return 'invalid_seq'
  return field === 'subject_id' ? 'invalid_subject' : 'invalid_input'
}

function asJson({ code, message, hint }: Failure): string {
  return jsonText({
    error: {
      code,
      message: hideCredentials(message),
      hint,
    },
  })
}

function asText({ message, hint }: Failure): string[] {
  const lines = safeLines(hideCredentials(message))
  const hints = hint === undefined ? [] : safeLines(hint)
  return [`${noteStyle().paint('bad', 'Error:')} ${lines.join('\n  ')}`, ...hints.map((line) => `  ${line}`)]
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
