import type { Context } from '../../compose/context.js'
import { openRestoreDeps } from '../../compose/restore.js'
import { restoreAll, summarise } from '../../restore/restore-all.js'
import { isWhole, restoreChain } from '../../restore/restore-chain.js'
import type { RestoreDeps, RestoreStep, RunStep } from '../../restore/restore-deps.js'
import type { RestoreAllRequest } from '../../restore/restore-plan.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { withFolder } from '../verify/mirror-folder.js'
import { type PinOptions, pinsOf, pinsOfChain } from '../verify/pins-file.js'
import { printOutcome, printSummary } from './print.js'

/** What `archive restore` was asked to do. */
export interface RestoreOptions extends PinOptions {
  readonly allowBrokenTail: boolean
  readonly json: boolean
}

/** Verifies the mirror, rebuilds the chains from it, and verifies both copies. Resolves with 1 where the mirror is broken. */
export async function runRestore(
  options: RestoreOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { chain: domainId, json, allowBrokenTail } = options
  const pins = await pinsOf(options)
  const deps = { ...(await openRestoreDeps(context, domainId)), runStep }
  if (domainId === 'all') return runAll({ pins, allowBrokenTail }, json, deps, out, signal)
  const mirrorUrl = deps.locations.ofChosen(domainId)
  const chain = { domainId, pins: pinsOfChain(options, pins), allowBrokenTail, mirrorUrl }
  const outcome = await restoreChain(chain, deps, signal).catch(async (error: unknown) => {
    throw await withFolder(error, context, domainId, signal)
  })
  await printOutcome(outcome, json, out)
  return isWhole(outcome) ? EXIT.done : EXIT.finding
}

/** Prints each chain as it ends. A chain that fails is reported, and its error raises the exit status. */
async function runAll(
  request: RestoreAllRequest,
  json: boolean,
  deps: RestoreDeps,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const outcomes = []
  for await (const outcome of restoreAll(request, deps, signal)) {
    outcomes.push(outcome)
    if (outcome.kind === 'failed') reportFailure(outcome.error, json)
    else await printOutcome(outcome, json, out)
  }
  await printSummary(summarise(outcomes), json, out)
  const isFound = outcomes.some((outcome) => outcome.kind !== 'failed' && !isWhole(outcome))
  return isFound ? EXIT.finding : EXIT.done
}

const LABELS: Readonly<Record<RestoreStep, string>> = {
  'verify mirror': 'verify mirror',
  rebuild: 'restore',
  'verify both': 'verify both',
}

const runStep: RunStep = (step, work) =>
  withProgress(LABELS[step], work, step === 'rebuild' ? 'writing' : 'answer')
