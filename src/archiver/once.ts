import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../errors.js'
import type { WaitingChain } from '../ports.js'
import { type Drained, nothingDrained } from './drain.js'
import { inParallel } from './in-parallel.js'
import { type Stopping, withStopping } from './stopping.js'
import { type ArchiverParts, TURNS, TURNS_PER_MIRROR, takeTurn } from './turn.js'

/** Milliseconds until a chain that another archiver has is asked for again. */
const CLAIM_AGAIN = 200

/** What became of one chain. */
export interface ChainDrained {
  readonly domainId: string
  readonly drained: Drained
}

/**
 * One pass over every chain that has rows to archive, up to the last row it had by then; a chain that another archiver
 * has is waited for. A chain that fails has the error in its result and does not stop the others. Rejects where not even
 * the chains can be read.
 */
export async function archiveOnce(parts: ArchiverParts, stop: AbortSignal): Promise<ChainDrained[]> {
  const chains = await parts.queue.waiting()
  const byMirror = new Map<string, WaitingChain[]>()
  for (const chain of chains) {
    const url = parts.mirrors.urlOf(chain.mirrorUrl)
    byMirror.set(url, [...(byMirror.get(url) ?? []), chain])
  }
  return withStopping(stop, async (stopping) => {
    const isOver = () => stop.aborted
    const drained = await inParallel([...byMirror.values()], TURNS / TURNS_PER_MIRROR, isOver, (ofMirror) =>
      inParallel(ofMirror, TURNS_PER_MIRROR, isOver, (chain) => drainWhole(chain, parts, stopping)),
    )
    return drained.flat()
  })
}

async function drainWhole(
  chain: WaitingChain,
  parts: ArchiverParts,
  stopping: Stopping,
): Promise<ChainDrained> {
  const { domainId, lastSeq } = chain
  let drained = nothingDrained(0)
  try {
    while (drained.ended === 'some' && !stopping.stop.aborted) {
      const range = { after: drained.reached, toSeq: lastSeq, rest: drained.rest }
      const turn = await takeTurn(chain, range, parts, stopping)
      if (turn === 'claimed elsewhere') await sleep(CLAIM_AGAIN)
      else drained = together(drained, turn)
    }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    drained = { ...drained, error }
  }
  return { domainId, drained }
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
