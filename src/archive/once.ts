import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../base/errors.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import { sum } from '../base/sum.js'
import type { WaitingChain } from '../ports/archive.js'
import { type Drained, nothingDrained } from './drain.js'
import { type ArchiverDeps, drainPass, PASSES, PASSES_PER_MIRROR } from './drain-pass.js'
import type { ClaimingChain } from './mirrors.js'
import { OtherArchiver, STUCK } from './other-archiver.js'
import type { PlacesDeps } from './places.js'
import { type RecheckDeps, recheckChain } from './stamps/recheck.js'
import { type Stopping, withStopping } from './stopping.js'

/** Milliseconds between two attempts to claim a chain that another archiver has claimed. */
const CLAIM_AGAIN = 200

/** The result of one chain. */
export interface ChainDrained {
  readonly domainId: string
  readonly drained: Drained
}

export interface OnceDeps extends ArchiverDeps {
  /** Receives the number of rows to archive. */
  readonly onWaiting?: ((rows: number) => void) | undefined
  /** The one chain to archive. Default: every chain. */
  readonly only?: string | undefined
  /** Compares all rows with their stamps, and the stamps with the mirror, before the pass. Default: the hints are believed. */
  readonly recheck?: (Pick<RecheckDeps, 'ledger' | 'onUncompared'> & Pick<PlacesDeps, 'chains'>) | undefined
}

/**
 * Archives every chain that has rows to archive, up to the last row that it has at the start. Waits for a chain that
 * another archiver has claimed, as long as that archiver makes progress. A chain that fails has the error in its result
 * and does not stop the others. Rejects where the list of chains cannot be read, and at a bug, once the other chains have
 * stopped in order. `stuck` is the number of milliseconds without a stamp after which another archiver counts as stuck.
 */
export async function archiveOnce(deps: OnceDeps, stop: AbortSignal, stuck = STUCK): Promise<ChainDrained[]> {
  return withStopping(stop, async (stopping) => {
    const rechecked = await recheckBeforeDrain(deps, stopping)
    return [...rechecked, ...(await drainAll(deps, stopping, stuck))]
  })
}

/** Returns the chains whose comparison failed, or found something. */
async function recheckBeforeDrain(
  { recheck, only, ...deps }: OnceDeps,
  stopping: Stopping,
): Promise<ChainDrained[]> {
  const { stop } = stopping
  if (recheck === undefined) return []
  const chains = (await recheck.chains()).filter(({ domainId }) => only === undefined || domainId === only)
  const found = await inParallel(
    chains,
    PASSES_PER_MIRROR,
    () => stop.aborted,
    async (chain) => {
      const drained = await recheckOne(chain, { ...deps, ...recheck }, stopping)
      return drained === undefined ? [] : [{ domainId: chain.domainId, drained }]
    },
  )
  return found.flat()
}

async function recheckOne(
  chain: ClaimingChain,
  deps: RecheckDeps,
  { stop, end }: Stopping,
): Promise<Drained | undefined> {
  try {
    const found = await recheckChain(chain, deps, stop)
    return found === undefined
      ? undefined
      : { ...nothingDrained(0), ...found, findings: found.findings.length, ended: 'all' }
  } catch (error) {
    if (stop.aborted) return undefined
    if (error instanceof AuditError) return { ...nothingDrained(0), error, ended: 'all' }
    end(error)
    throw error
  }
}

async function drainAll(deps: OnceDeps, stopping: Stopping, stuck: number): Promise<ChainDrained[]> {
  const { only } = deps
  const chains = (await deps.queue.waiting()).filter(
    ({ domainId }) => only === undefined || domainId === only,
  )
  deps.onWaiting?.(sum(chains, ({ firstSeq, lastSeq }) => lastSeq - firstSeq + 1))
  const byMirror = new Map<string, WaitingChain[]>()
  for (const chain of chains) {
    // Chains without a mirror fail at once, each with its own error.
    const url = deps.mirrors.urlOf(chain) ?? ''
    byMirror.set(url, [...(byMirror.get(url) ?? []), chain])
  }
  const isOver = () => stopping.stop.aborted
  const drained = await inParallel([...byMirror.values()], PASSES / PASSES_PER_MIRROR, isOver, (ofMirror) =>
    inParallel(ofMirror, PASSES_PER_MIRROR, isOver, (chain) => drainWhole(chain, deps, stopping, stuck)),
  )
  return drained.flat()
}

async function drainWhole(
  chain: WaitingChain,
  deps: ArchiverDeps,
  stopping: Stopping,
  stuck: number,
): Promise<ChainDrained> {
  const { domainId, firstSeq, lastSeq } = chain
  const other = new OtherArchiver(chain, deps.queue, stuck)
  let drained = nothingDrained(firstSeq - 1)
  try {
    while (drained.ended === 'some' && !stopping.stop.aborted) {
      const range = { after: drained.reached, toSeq: lastSeq, rest: drained.rest }
      const pass = await drainPass(chain, range, deps, stopping, other.isStuck)
      if (pass === 'claimed elsewhere') await waitFor(other, stopping.stop)
      else drained = together(drained, pass)
    }
    if (!stopping.stop.aborted) drained = await withWaiting(chain, drained, deps)
  } catch (error) {
    if (!(error instanceof AuditError)) {
      stopping.end(error)
      throw error
    }
    drained = { ...drained, error }
  }
  return { domainId, drained }
}

/** Resolves after a while, at the signal, or at once when the other archiver counts as stuck. */
async function waitFor(other: OtherArchiver, stop: AbortSignal): Promise<void> {
  await other.look()
  if (!other.isStuck) await sleep(CLAIM_AGAIN, undefined, { signal: stop }).catch(() => undefined)
}

/** Adds an error where a row still waits, although none failed and none is held back. */
async function withWaiting(
  { domainId, lastSeq }: WaitingChain,
  drained: Drained,
  { queue }: ArchiverDeps,
): Promise<Drained> {
  if (drained.error !== undefined || drained.held > 0) return drained
  const next = await queue.nextUnstamped(domainId, 0)
  if (next === undefined || next > lastSeq) return drained
  const error = new AuditError(
    'archive_behind',
    `chain ${domainId}: row ${next} still waits to be archived: it was committed, or lost its stamp, after the archiver had passed it`,
    {
      advice: { code: 'run_archiver' },
    },
  )
  return { ...drained, error }
}

/** Returns the result of two passes over one chain. */
export function together(before: Drained, pass: Drained): Drained {
  return {
    ...pass,
    stamped: before.stamped + pass.stamped,
    held: before.held + pass.held,
    failed: before.failed + pass.failed,
    findings: before.findings + pass.findings,
    error: before.error ?? pass.error,
  }
}
