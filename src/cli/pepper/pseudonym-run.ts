import { nodePseudonym } from '../../base/node-hasher.js'
import type { Context } from '../../compose/context.js'
import { openPepperAlone } from '../../compose/pepper.js'
import type { Output } from '../output/output.js'

export interface PseudonymOptions {
  readonly domainId: string
  readonly subjectId: string
  readonly json: boolean
}

/** Prints the pseudonym of a subject_id on one chain. Opens no database and creates nothing. */
export async function runPseudonym(
  { domainId, subjectId, json }: PseudonymOptions,
  context: Context,
  out: Output,
): Promise<void> {
  const pepper = await openPepperAlone(context)
  const pseudonym = nodePseudonym(await pepper.pepperOf(domainId), subjectId)
  if (json) await out.json({ domain_id: domainId, pseudonym })
  else await out.line(pseudonym)
}
