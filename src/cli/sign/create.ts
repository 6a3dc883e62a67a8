import type { SignedOverReason } from '../../chain/log/signed-row.js'
import type { SeqRange } from '../../chain/tree/holes.js'
import type { Context } from '../../compose/context.js'
import { actorPseudonym } from '../../compose/sign/actor.js'
import { chainText } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { assertSignable, noKeys, openSigning, reportDrained, type SigningCommand } from './command.js'
import { printPass, runPass, signedSummary } from './pass.js'

export interface CheckpointCreateOptions {
  /** The id of a chain, or `all`. */
  readonly chain: string
  /** Why the rows in the way are signed over; absent: they are not. */
  readonly over?: SignedOverReason | undefined
  readonly json: boolean
}

/** Signs one chain or all of them now. Resolves with the worst code of the chains. */
export async function runCheckpointCreate(
  options: CheckpointCreateOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { chain, json } = options
  const command = await openSigning(context, 'home', { json, out })
  await assertSignable(context, chain)
  if (options.over !== undefined) return signOver(chain, options.over, command, context, signal)
  const only = chain === 'all' ? {} : { only: new Set([chain]) }
  const pass = await runPass(command.signing, only, signal)
  if (pass === undefined) return EXIT.done
  if ('reason' in pass) throw noKeys(pass.reason)
  if ('error' in pass) throw pass.error
  const code = await printPass(pass, command.printer)
  reportDrained(command)
  if (json) await out.json({ summary: signedSummary(pass) })
  else if (pass.chains.length === 0) note('nothing to sign: every archived row is signed')
  return code
}

async function signOver(
  domainId: string,
  reason: SignedOverReason,
  command: SigningCommand,
  context: Context,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { signing, printer } = command
  const { json, out } = printer
  const by = await actorPseudonym(context)
  const over = await withProgress(
    `sign over ${chainText(domainId)}`,
    (onProgress) => {
      const request = {
        domainId,
        reason,
        by,
        onProgress: (_: string, at: { rows: number }) => onProgress(at),
      }
      return signing.over(request, signal)
    },
    'writing',
  )
  if (!('ranges' in over)) throw noKeys(over.reason)
  const { ranges, signed } = over
  if (json)
    await out.json({ domain_id: domainId, signed_over: ranges.map(({ from, to }) => [from, to]), reason })
  else await out.line(overText(domainId, ranges))
  const code = await printPass({ chains: signed }, printer)
  reportDrained(command)
  if (json) await out.json({ summary: signedSummary({ chains: signed }) })
  return code
}

function overText(domainId: string, ranges: readonly SeqRange[]): string {
  const chain = chainText(domainId)
  if (ranges.length === 0) return `${chain}  no row is in the way of the signer: nothing was signed over`
  const rows = ranges.map(({ from, to }) => (from === to ? `row ${from}` : `rows ${from} to ${to}`))
  return `${chain}  signed over ${rows.join(', ')}: nobody can prove them any more`
}
