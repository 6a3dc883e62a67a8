import { settleEach } from '../../base/settle-each.js'
import type { Context } from '../../compose/context.js'
import { openIdentifyPorts } from '../../compose/erasure.js'
import { knownChainsOf } from '../../compose/known-chains.js'
import { identify, nobodyFound, type SoughtPerson } from '../../identify/identify.js'
import type { Output } from '../output/output.js'
import { reportFailure } from '../shell/failure.js'
import { identifiedJson } from './json.js'
import { identifiedText } from './text.js'

export interface IdentifyOptions {
  readonly chain: string | 'all'
  readonly person: SoughtPerson
  readonly reason: string
  readonly json: boolean
}

/**
 * Prints what is known of a person, once the row that records it is on the chain. With one chain its error is thrown. With
 * all, chains that have nothing are skipped, and each error is reported. Rejects with `subject_not_found` where no chain
 * has anything and none failed.
 */
export async function runIdentify(
  { chain, person, reason, json }: IdentifyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const ports = await openIdentifyPorts(context)
  const { actor } = context
  let found = 0
  const onChain = async (domainId: string) => {
    const identified = await identify(ports, { domainId, person, reason, actor })
    if (identified.subjects.length === 0) return
    const shown = identifiedJson(identified)
    found += 1
    if (json) await out.json(shown)
    else await out.line(found === 1 ? identifiedText(shown) : `\n${identifiedText(shown)}`)
  }
  const failed = chain === 'all' ? await onEach(context, onChain, json, signal) : await onChain(chain)
  if (found === 0 && !failed) throw nobodyFound()
}

/** Resolves with whether a chain failed. */
async function onEach(
  context: Context,
  work: (domainId: string) => Promise<void>,
  json: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { domainIds } = await knownChainsOf(context)
  let failed = false
  for await (const settled of settleEach(domainIds, work, signal)) {
    if (!('failed' in settled)) continue
    failed = true
    reportFailure(settled.failed, json)
  }
  return failed
}
