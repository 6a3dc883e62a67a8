import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import { type Drained, nothingDrained } from './drain.js'
import { type ArchiverDeps, drainPass, PASSES, PASSES_PER_MIRROR } from './drain-pass.js'
import { inParallel } from './in-parallel.js'
import { type Stopping, withStopping } from './stopping.js'

/** Milliseconds between two attempts to claim a chain that another archiver has claimed. */
const CLAIM_AGAIN = 200

/** Milliseconds without a new stamp after which the other archiver counts as stuck. An upload that hangs times out before that. */
const STUCK = 30_000

/** The result of one chain. */
export interface ChainDrained {
  readonly domainId: string
  readonly drained: Drained
}

/**
 * Archives every chain that has rows to archive, up to the last row that it has at the start. Waits for a chain that
 * another archiver has claimed, as long as that archiver makes progress. A chain that fails has the error in its result
 * and does not stop the others. Rejects where the list of chains cannot be read, and at a bug, once the other chains have
 * stopped in order. `stuck` is the number of milliseconds without a stamp after which another archiver counts as stuck.
 */
export async function archiveOnce(
  deps: ArchiverDeps,
  stop: AbortSignal,
  stuck = STUCK,
): Promise<ChainDrained[]> {
  const chains = await deps.queue.waiting()
  const byMirror = new Map<string, WaitingChain[]>()
  for (const chain of chains) {
    const url = deps.mirrors.urlOf(chain.mirrorUrl)
    byMirror.set(url, [...(byMirror.get(url) ?? []), chain])
  }
  return withStopping(stop, async (stopping) => {
    const isOver = () => stopping.stop.aborted
    const drained = await inParallel([...byMirror.values()], PASSES / PASSES_PER_MIRROR, isOver, (ofMirror) =>
      inParallel(ofMirror, PASSES_PER_MIRROR, isOver, (chain) => drainWhole(chain, deps, stopping, stuck)),
    )
    return drained.flat()
  })
}

async function drainWhole(
  chain: WaitingChain,
  deps: ArchiverDeps,
  stopping: Stopping,
  stuck: number,
): Promise<ChainDrained> {
  const { domainId, lastSeq } = chain
  const other = new OtherArchiver(domainId, deps, stuck)
  let drained = nothingDrained(0)
  try {
    while (drained.ended === 'some' && !stopping.stop.aborted) {
      const range = { after: drained.reached, toSeq: lastSeq, rest: drained.rest }
      const pass = await drainPass(chain, range, deps, stopping, other.isStuck)
      if (pass === 'claimed elsewhere') await other.wait(stopping.stop)
      else drained = together(drained, pass)
    }
  } catch (error) {
    if (!(error instanceof AuditError)) {
      stopping.end(error)
      throw error
    }
    drained = { ...drained, error }
  }
  return { domainId, drained }
}

/** Another archiver that has claimed the chain. A stopped or hanging archiver keeps its claim as long as its connection lives. */
class OtherArchiver {
  isStuck = false
  #firstUnstamped: number | undefined
  #since = performance.now()

  constructor(
    readonly domainId: string,
    readonly deps: ArchiverDeps,
    readonly patience: number,
  ) {}

  /** Resolves after a while, or at the signal. */
  async wait(stop: AbortSignal): Promise<void> {
    const next = await this.deps.queue.nextUnstamped(this.domainId, 0)
    if (next !== this.#firstUnstamped) this.#since = performance.now()
    this.#firstUnstamped = next
    this.isStuck = performance.now() - this.#since >= this.patience
    if (!this.isStuck) await sleep(CLAIM_AGAIN, undefined, { signal: stop }).catch(() => undefined)
  }
}

function together(before: Drained, pass: Drained): Drained {
  return {
    ...pass,
    stamped: before.stamped + pass.stamped,
    held: before.held + pass.held,
    failed: before.failed + pass.failed,
    findings: before.findings + pass.findings,
    error: before.error ?? pass.error,
  }
}
