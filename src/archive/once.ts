import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import { type Drained, nothingDrained } from './drain.js'
import { type ArchiverDeps, drainPass, PASSES, PASSES_PER_MIRROR } from './drain-pass.js'
import { inParallel } from './in-parallel.js'
import { type Stopping, withStopping } from './stopping.js'

/** Milliseconds until a chain that another archiver has is asked for again. */
const CLAIM_AGAIN = 200

/** Milliseconds that such a chain is waited for while it gets no stamp. An upload that hangs is given up before that. */
const STUCK = 30_000

/** What became of one chain. */
export interface ChainDrained {
  readonly domainId: string
  readonly drained: Drained
}

/**
 * One pass over every chain that has rows to archive, up to the last row it had by then; a chain that another archiver
 * has is waited for while that one gets on with it. A chain that fails has the error in its result and does not stop the
 * others. Rejects where not even the chains can be read, and at a bug, when the other chains have ended orderly.
 * `stuck`: milliseconds without a stamp after which another archiver is taken for stuck.
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
      const turn = await drainPass(chain, range, deps, stopping, other.isStuck)
      if (turn === 'claimed elsewhere') await other.wait(stopping.stop)
      else drained = together(drained, turn)
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

/** Another archiver that has the chain. One that is stopped or hangs keeps its claim for as long as its connection lives. */
class OtherArchiver {
  isStuck = false
  #firstUnstamped: number | undefined
  #since = performance.now()

  constructor(
    readonly domainId: string,
    readonly deps: ArchiverDeps,
    readonly patience: number,
  ) {}

  /** Also resolves at the signal. */
  async wait(stop: AbortSignal): Promise<void> {
    const next = await this.deps.queue.nextUnstamped(this.domainId, 0)
    if (next !== this.#firstUnstamped) this.#since = performance.now()
    this.#firstUnstamped = next
    this.isStuck = performance.now() - this.#since >= this.patience
    if (!this.isStuck) await sleep(CLAIM_AGAIN, undefined, { signal: stop }).catch(() => undefined)
  }
}

function together(before: Drained, turn: Drained): Drained {
  return {
    ...turn,
    stamped: before.stamped + turn.stamped,
    held: before.held + turn.held,
    failed: before.failed + turn.failed,
    findings: before.findings + turn.findings,
    error: before.error ?? turn.error,
  }
}
