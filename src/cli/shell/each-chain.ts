import { AuditError } from '../../base/errors.js'
import { settleEach } from '../../base/settle-each.js'
import type { Context } from '../../compose/context.js'
import { knownChainsOf } from '../../compose/known-chains.js'
import type { ScanProgress } from '../../ports/verify.js'
import { chainsToVerify } from '../../verify/verify-all.js'
import { chainText } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import type { StoppedWork } from '../output/progress-line.js'
import { type Cell, type Heading, printTable } from '../output/table.js'
import { reportFailure } from './failure.js'

/** One chain, or every chain. */
export interface Chains {
  readonly chain: string | 'all'
  readonly json: boolean
}

/** The work on each chain, and how its result is printed. */
export interface ChainWork<T> {
  readonly label: string
  /** What a signal stops. */
  readonly kind: StoppedWork
  readonly head: readonly Heading[]
  readonly work: (domainId: string, onProgress: (progress: ScanProgress) => void) => Promise<T>
  readonly toRow: (result: T) => readonly Cell[]
  readonly toJson: (result: T) => unknown
  /** Prints notes about a result, and keeps what the caller needs of it. */
  readonly after: (result: T) => void
}

/** Runs the work and prints the results: with one chain its error is thrown, with all each error is reported. */
export async function eachChain<T>(
  { chain, json }: Chains,
  context: Context,
  out: Output,
  signal: AbortSignal,
  work: ChainWork<T>,
): Promise<void> {
  const results: T[] = []
  const workOn = async (domainId: string) => {
    const result = await withProgress(
      `${work.label} ${chainText(domainId)}`,
      (onProgress) => work.work(domainId, onProgress),
      work.kind,
    )
    if (!json) results.push(result)
    else {
      await out.json(work.toJson(result))
      work.after(result)
    }
  }
  try {
    if (chain === 'all') await onEveryChain(await everyKnownChain(context), workOn, json, signal)
    else await workOn(chain)
  } finally {
    await printResults(results, work, out)
  }
}

/** Prints the results, and then the notes about them. An interrupted run prints what it has. */
async function printResults<T>(results: readonly T[], work: ChainWork<T>, out: Output): Promise<void> {
  if (results.length > 0) await printTable(work.head, results.map(work.toRow), out)
  for (const result of results) work.after(result)
}

/** Returns the ids of all chains of the database. Rejects with `nothing_to_verify` where there is none. */
async function everyKnownChain(context: Context): Promise<string[]> {
  const chains = chainsToVerify(await knownChainsOf(context), new Map())
  if (chains.length > 0) return chains
  throw new AuditError('nothing_to_verify', 'there is no chain', { advice: { code: 'create_domain' } })
}

/**
 * Runs `work` on each chain. A chain that fails is reported, and the next chain follows. Resolves with the results, and
 * with the number of chains that failed.
 */
export async function onEveryChain<T>(
  domainIds: Iterable<string>,
  work: (domainId: string) => Promise<T>,
  json: boolean,
  signal: AbortSignal,
): Promise<{ readonly done: readonly T[]; readonly failed: number }> {
  const done: T[] = []
  let failed = 0
  for await (const settled of settleEach(domainIds, work, signal)) {
    if ('done' in settled) done.push(settled.done)
    else {
      failed += 1
      reportFailure(settled.failed, json)
    }
  }
  return { done, failed }
}
