import type { ChainDrained } from '../../archive/once.js'
import type { PlaceFailure } from '../../archive/places.js'
import { NO_CLAIMS } from '../../base/domain-claims.js'
import type { AuditError } from '../../base/errors.js'
import { ReportedFailures } from '../../base/reported-failures.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { interruptedText } from '../output/progress-line.js'
import { hideCredentials, safeText } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { hintOf } from '../shell/hints.js'
import { drainedJson } from './json.js'
import { drainedText } from './text.js'
import { type UploadDeps, uploadDepsOf } from './upload-deps.js'

export interface ArchiverOptions {
  readonly once: boolean
  /** Milliseconds. */
  readonly pollInterval: number
  readonly concurrency: number
  readonly initMirror: boolean
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
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, initMirror } = options
  const init = initMirror ? 'begin' : undefined
  const notes: string[] = []
  const deps = await uploadDepsOf(context, { ...options, init }, (line) => notes.push(line))
  const [{ archiveOnce }, { judgePlaces }] = await Promise.all([
    import('../../archive/once.js'),
    import('../../archive/places.js'),
  ])
  let rows = 0
  let total = 0
  let places: PlaceFailure[] = []
  const chains = await withProgress(
    'archive',
    async (onProgress) => {
      const onStamped = (stamped: number) => {
        rows += stamped
        onProgress({ rows, total })
      }
      const onWaiting = (waiting: number) => {
        total = waiting
        onProgress({ rows, total })
      }
      const drained = await archiveOnce({ ...deps, onStamped, onWaiting }, signal)
      const judged = new Set(drained.map(({ domainId }) => domainId))
      if (!signal.aborted) places = await judgePlaces(initMirror ? orPlatform(deps) : deps, judged, signal)
      return drained
    },
    'writing',
  )
  if (signal.aborted) note(interruptedText('archive', { rows, total }, 'writing'))
  for (const line of notes) note(line)
  for (const chain of chains) await printChain(chain, json, out)
  for (const { error } of places) reportFailure(error, json)
  await printTotal(chains, json, out, places.length > 0)
  return chains.some(({ drained }) => drained.findings + drained.held > 0) ? EXIT.finding : EXIT.done
}

async function printChain({ domainId, drained }: ChainDrained, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(drainedJson(domainId, drained))
  else await out.line(drainedText(domainId, drained))
  if (drained.error !== undefined) reportFailure(drained.error, json)
}

/** A database without rows has no place to judge. Its first chain will be the platform chain, so its mirror can be begun. */
function orPlatform(deps: UploadDeps): UploadDeps {
  const chains = async () => {
    const all = await deps.chains()
    return all.length > 0 ? all : [{ domainId: PLATFORM_ANCHOR, claims: NO_CLAIMS }]
  }
  return { ...deps, chains }
}

async function printTotal(
  chains: readonly ChainDrained[],
  json: boolean,
  out: Output,
  hasFailed: boolean,
): Promise<void> {
  const sum = (of: 'stamped' | 'held' | 'failed') =>
    chains.reduce((total, { drained }) => total + drained[of], 0)
  const [archived, held, failed] = [sum('stamped'), sum('held'), sum('failed')]
  if (json) await out.json({ summary: { chains: chains.length, archived, held, failed } })
  else if (chains.length === 0 && !hasFailed) note('nothing to archive')
}

async function worker(
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, pollInterval, initMirror } = options
  const deps = await uploadDepsOf(context, { ...options, init: initMirror ? 'begin' : undefined }, note)
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
        if (failures.begin(domainId, error.code))
          for (const line of troubleLines(domainId, error, wait)) note(line)
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
function troubleLines(domainId: string, error: AuditError, wait: number): string[] {
  const text = safeText(hideCredentials(error.message))
  const hint = hintOf(error)
  return [
    `${domainId}: ${text}; trying again, next in ${(wait / 1000).toFixed(1)} s`,
    ...(hint === undefined ? [] : [`  ${safeText(hideCredentials(hint))}`]),
  ]
}
