import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { knownChainsOf } from '../../compose/verify.js'
import type { ScanProgress } from '../../ports/verify.js'
import { chainsToVerify } from '../../verify/verify-all.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { type Cell, table } from '../output/table.js'
import { reportFailure } from './failure.js'

/** One chain, or every one. */
export interface Chains {
  readonly chain: string | 'all'
  readonly json: boolean
}

/** What is done on each chain, and how it is shown. */
export interface ChainWork<T> {
  readonly label: string
  readonly head: readonly string[]
  readonly work: (domainId: string, onProgress: (progress: ScanProgress) => void) => Promise<T>
  readonly toRow: (result: T) => readonly Cell[]
  readonly toJson: (result: T) => unknown
  /** Notes, and what else is to follow from one chain's result. */
  readonly after: (result: T) => void
}

/** Of one chain the error is thrown; of several each is reported, and the others go on. */
export async function eachChain<T>(
  { chain, json }: Chains,
  context: Context,
  out: Output,
  signal: AbortSignal,
  work: ChainWork<T>,
): Promise<void> {
  const chains = chain === 'all' ? chainsToVerify(await knownChainsOf(context), new Map()) : [chain]
  if (chains.length === 0) {
    throw new AuditError('nothing_to_verify', 'there is no chain', {
      advice: { code: 'create_domain' },
    })
  }
  const rows: (readonly Cell[])[] = []
  for (const domainId of chains) {
    try {
      const result = await withProgress(`${work.label} ${domainId}`, (tell) => work.work(domainId, tell))
      if (json) await out.json(work.toJson(result))
      else rows.push(work.toRow(result))
      work.after(result)
    } catch (error) {
      if (chain !== 'all' || signal.aborted) throw error
      reportFailure(error, json)
    }
  }
  if (rows.length > 0) await out.line(await table(work.head, rows, out))
}
