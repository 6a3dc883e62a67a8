import type { SeqRange } from '../../chain/tree/holes.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import { actorPseudonym } from '../../compose/sign/actor.js'
import type { Begins } from '../../compose/sign/signing.js'
import { chainText } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { assertSignable, noKeys, openSigning, reportDrained, type SigningCommand } from './command.js'
import type { OverRequest } from './flags.js'
import { printPass, runPass, signedSummary } from './pass.js'

export interface CheckpointCreateOptions {
  /** The id of a chain, or `all`. */
  readonly chain: string
  /** Which rows in the way are signed over; absent: none. */
  readonly over?: OverRequest | undefined
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
  const command = await openSigning(context, beginsOf(options), { json, out })
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

/** A log whose platform chain has findings begins by this command. Another key in its rows is passed over only where it was lost. */
function beginsOf({ chain, over }: CheckpointCreateOptions): Begins {
  if (over === undefined || chain !== PLATFORM_ANCHOR) return 'home'
  return over.reason === 'key_lost' ? 'beside' : 'asked'
}

async function signOver(
  domainId: string,
  { reason, isConfirmed }: OverRequest,
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
        isPlan: !isConfirmed,
        onProgress: (_: string, at: { rows: number }) => onProgress(at),
      }
      return signing.over(request, signal)
    },
    'writing',
  )
  if (!('ranges' in over)) throw noKeys(over.reason)
  const { ranges, signed } = over
  if (!isConfirmed) {
    const failed = signed.find((one) => one.reason !== undefined)
    if (failed !== undefined) return printPass({ chains: signed }, printer)
    throw notConfirmed(domainId, ranges)
  }
  if (json)
    await out.json({ domain_id: domainId, signed_over: ranges.map(({ from, to }) => [from, to]), reason })
  else await out.line(overText(domainId, ranges))
  const code = await printPass({ chains: signed }, printer)
  reportDrained(command)
  if (json) await out.json({ summary: signedSummary({ chains: signed }) })
  return code
}

/** Ranges that one message names. */
const NAMED = 32

function notConfirmed(domainId: string, ranges: readonly SeqRange[]): CommandError {
  const rest = ranges.length > NAMED ? `, and ${ranges.length - NAMED} more ranges` : ''
  const rows = ranges.length === 0 ? 'no row' : `${rowsText(ranges.slice(0, NAMED))}${rest}`
  return new CommandError(
    'usage',
    `nothing was changed: --confirm is missing; in the way of the signer in chain ${domainId}: ${rows}`,
    'give --confirm to sign over these rows, for ever: nobody can prove them any more',
  )
}

function overText(domainId: string, ranges: readonly SeqRange[]): string {
  const chain = chainText(domainId)
  if (ranges.length === 0) return `${chain}  no row is in the way of the signer: nothing was signed over`
  return `${chain}  signed over ${rowsText(ranges)}: nobody can prove them any more`
}

function rowsText(ranges: readonly SeqRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `row ${from}` : `rows ${from} to ${to}`)).join(', ')
}
