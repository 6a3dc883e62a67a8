import type { GivenMirrors } from '../../base/advice.js'
import { AuditError } from '../../base/errors.js'
import type { NoLogKeys } from '../../compose/sign/log-key.js'
import type { SignedPass, Signing } from '../../compose/sign/signing.js'
import type { ChainSigned } from '../../signer/sign-chain.js'
import type { PassOptions } from '../../signer/sign-pass.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode, worstExit } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { onSameLog } from '../shell/given-log.js'
import { isInterruption } from '../shell/interruption.js'
import { errorOf, exitOf, nextStep } from './reasons.js'
import { refusedText, signedJson, signedText } from './text.js'

/** The line about a home whose key is gone. */
export const NO_KEY = 'not signing: log.key is missing'

/** A pass that could not begin, or did not reach its end. */
export interface FailedPass {
  readonly error: AuditError
}

export type PassResult = SignedPass | NoLogKeys | FailedPass

/**
 * Runs one pass and shows its progress. A failure is part of the result, so that what was archived before is printed all the same.
 * Undefined where a signal stopped it. Rejects at a bug.
 */
export async function runPass(
  signing: Signing,
  options: Omit<PassOptions, 'mayBegin' | 'onProgress'>,
  signal: AbortSignal,
): Promise<PassResult | undefined> {
  try {
    return await withProgress(
      'sign',
      (onProgress) => signing.pass({ ...options, onProgress: (_, at) => onProgress(at) }, signal),
      'writing',
    )
  } catch (error) {
    if (signal.aborted && isInterruption(error)) return undefined
    if (error instanceof AuditError && error.code !== 'internal') return { error }
    throw error
  }
}

/** The chains of a pass. */
type Chains = Pick<SignedPass, 'chains'>

export interface PassPrinter {
  readonly json: boolean
  readonly out: Output
  readonly given: GivenMirrors
  /** Messages of failures that were reported already. */
  readonly reported: Set<string>
  /** Whether stdout has another text, so that the lines of signed chains go to stderr. */
  readonly isStdoutTaken?: boolean | undefined
}

/** Prints what a pass did, chain by chain. Resolves with 1 where it found something; other failures raise the exit status. */
export async function printPass(pass: PassResult | Chains, printer: PassPrinter): Promise<ExitCode> {
  if ('error' in pass) reportOnce(pass.error, printer)
  if ('reason' in pass && pass.reason === 'no_key') note(NO_KEY)
  if (!('chains' in pass)) return EXIT.done
  const codes: ExitCode[] = []
  for (const chain of pass.chains) codes.push(await printChain(chain, printer))
  return worstExit(codes)
}

async function printChain(chain: ChainSigned, printer: PassPrinter): Promise<ExitCode> {
  const { json, out, given, isStdoutTaken = false } = printer
  if (json) await out.json(signedJson(chain))
  else if (chain.rows > 0) await (isStdoutTaken ? note(signedText(chain)) : out.line(signedText(chain)))
  const error = errorOf(chain, given)
  if (error !== undefined) reportOnce(error, printer)
  else if (chain.reason !== undefined) {
    const next = nextStep(chain, given)
    for (const line of refusedText(chain, next && onSameLog(next))) note(line)
  }
  return chain.reason === undefined ? EXIT.done : (exitOf(chain.reason) ?? EXIT.done)
}

/** Reports a failure, unless its message was reported before. */
export function reportOnce(error: AuditError, { json, reported }: PassPrinter): void {
  if (!reported.has(error.message)) reportFailure(error, json)
  reported.add(error.message)
}

/** Returns the counts of a pass for the summary of a run. */
export function signedSummary(pass: PassResult | Chains | undefined): Record<string, number> {
  if (pass === undefined || !('chains' in pass)) return {}
  return {
    signed: pass.chains.filter(({ rows }) => rows > 0).length,
    not_signed: pass.chains.filter(({ reason, error }) => reason !== undefined || error !== undefined).length,
  }
}
