import type { ChainDrained } from '../../archive/once.js'
import type { AuditError } from '../../base/errors.js'
import { ReportedFailures } from '../../base/reported-failures.js'
import type { Context } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { hideCredentials, safeText } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { drainedJson } from './json.js'
import { drainedText } from './text.js'
import { uploadDepsOf } from './upload-deps.js'

export interface ArchiverOptions {
  readonly once: boolean
  /** Milliseconds. */
  readonly pollInterval: number
  readonly concurrency: number
  readonly json: boolean
}

/**
 * Runs the archiver until the signal, or one pass with `once`. After one pass it resolves with 0 where every row is
 * archived, and with 1 where something was found.
 */
export async function runArchiver(
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  return options.once ? once(options, context, out, signal) : worker(options, context, out, signal)
}

/** Prints nothing while the progress is shown. */
async function once(
  { json, concurrency }: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const notes: string[] = []
  const deps = await uploadDepsOf(context, concurrency, (line) => notes.push(line))
  const { archiveOnce } = await import('../../archive/once.js')
  let rows = 0
  const chains = await withProgress('archive', (onProgress) => {
    const onStamped = (stamped: number) => {
      rows += stamped
      onProgress({ rows })
    }
    return archiveOnce({ ...deps, onStamped }, signal)
  })
  for (const line of notes) note(line)
  for (const chain of chains) await printChain(chain, json, out)
  await printTotal(chains, json, out)
  return chains.some(({ drained }) => drained.findings + drained.held > 0) ? EXIT.finding : EXIT.done
}

async function printChain({ domainId, drained }: ChainDrained, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(drainedJson(domainId, drained))
  else await out.line(drainedText(domainId, drained))
  if (drained.error !== undefined) reportFailure(drained.error, json)
}

async function printTotal(chains: readonly ChainDrained[], json: boolean, out: Output): Promise<void> {
  const sum = (of: 'stamped' | 'held' | 'failed') =>
    chains.reduce((total, { drained }) => total + drained[of], 0)
  const [archived, held, failed] = [sum('stamped'), sum('held'), sum('failed')]
  if (json) await out.json({ summary: { chains: chains.length, archived, held, failed } })
  else if (chains.length === 0) note('nothing to archive')
}

async function worker(
  { json, pollInterval, concurrency }: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const deps = await uploadDepsOf(context, concurrency, note)
  const { runWorker } = await import('../../archive/worker.js')
  const failures = new ReportedFailures()
  await runWorker(
    {
      ...deps,
      pollInterval,
      onStamped: () => undefined,
      onPass: async (domainId, drained) => {
        if (drained.stamped === 0) return
        if (json) await out.json(drainedJson(domainId, drained))
        else await out.line(drainedText(domainId, drained))
      },
      onTrouble: (error, wait, domainId = 'Postgres') => {
        if (failures.begin(domainId, error.code)) note(troubleText(domainId, error, wait))
      },
      onRecovered: (domainId = 'Postgres') => {
        if (failures.end(domainId)) note(`${domainId}: works again`)
      },
    },
    signal,
  )
  return EXIT.done
}

/** Returns what the archiver prints of a failure that begins, or that changes. */
function troubleText(domainId: string, error: AuditError, wait: number): string {
  const text = safeText(hideCredentials(error.message))
  return `${domainId}: ${text}; trying again, next in ${(wait / 1000).toFixed(1)} s`
}
