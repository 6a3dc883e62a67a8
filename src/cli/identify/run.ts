import { settleEach } from '../../base/settle-each.js'
import type { Context } from '../../compose/context.js'
import { openIdentifyPorts } from '../../compose/erasure.js'
import { knownChainsOf } from '../../compose/known-chains.js'
import { type Identified, identify, nobodyFound, type SoughtPerson } from '../../identify/identify.js'
import type { Output } from '../output/output.js'
import { reportFailure } from '../shell/failure.js'
import { identifiedJson } from './json.js'
import { identifiedText } from './text.js'

export interface IdentifyOptions {
  readonly chains: readonly string[] | 'all'
  readonly person: SoughtPerson
  readonly reason: string
  readonly json: boolean
}

/**
 * Prints what is known of a person, once the rows that record it are on the chains. Chains that have nothing are skipped.
 * Chains that are named are one transaction, whose error is thrown. With all, each is one, and each error is reported. Rejects with `subject_not_found` where no chain
 * has anything and none failed.
 */
export async function runIdentify(
  { chains, person, reason, json }: IdentifyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const ports = await openIdentifyPorts(context)
  const { actor } = context
  let found = 0
  const print = async (identified: Identified) => {
    if (identified.subjects.length === 0) return
    const shown = identifiedJson(identified)
    found += 1
    if (json) await out.json(shown)
    else await out.line(found === 1 ? identifiedText(shown) : `\n${identifiedText(shown)}`)
  }
  const onChains = async (domainIds: readonly string[]) => {
    for (const one of await identify(ports, { domainIds, person, reason, actor })) await print(one)
  }
  const onChain = (domainId: string) => onChains([domainId])
  const failed = chains === 'all' ? await onEach(context, onChain, json, signal) : await onChains(chains)
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
