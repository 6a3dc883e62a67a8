import { restoreTargetOf } from '../../compose/archive.js'
import type { Context } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import type { ExitCode } from '../shell/exit-codes.js'
import { type PinOptions, pinsOf, pinsOfChain } from '../verify/pins-file.js'
import { RestoreAll } from './restore-all.js'
import { exitOf, Restorer } from './restore-chain.js'
import { tellOutcome } from './text.js'

/** What `archive restore` was asked to do. */
export interface RestoreOptions extends PinOptions {
  readonly allowBrokenTail: boolean
  readonly json: boolean
}

/** Verifies the mirror, rebuilds what was asked for from it, and verifies both copies. 1 where the mirror is broken. */
export async function runRestore(
  options: RestoreOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const pins = await pinsOf(options)
  const target = await restoreTargetOf(context)
  const restorer = new Restorer(options.allowBrokenTail, context, target, signal)
  if (options.chain === 'all') return new RestoreAll(restorer, options.json, out, signal).run(pins)
  const chain = { domainId: options.chain, pins: pinsOfChain(options, pins) }
  const outcome = await restorer.restore(chain)
  await tellOutcome(outcome, options.json, out)
  return exitOf(outcome)
}
