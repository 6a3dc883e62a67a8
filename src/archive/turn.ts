import type { WaitingChain } from '../ports/archive.js'
import { type DrainDeps, type Drained, type DrainRange, drainChain } from './drain.js'
import type { SourcedFinding } from './findings.js'
import { type Mirrors, openMirror } from './mirrors.js'
import type { Stopping } from './stopping.js'

/** What the archiver works with. */
export interface ArchiverDeps extends Pick<DrainDeps, 'queue' | 'codec' | 'hasher' | 'onStamped'> {
  readonly mirrors: Mirrors
  /** Writes findings down and tells them; called for the same ones as long as they are there. */
  readonly onFindings: (domainId: string, findings: readonly SourcedFinding[]) => Promise<void>
}

/** Chains of one mirror at once: one dead mirror leaves the others their turns. */
export const TURNS_PER_MIRROR = 4

/** Chains at once; each holds two batches of rows in memory. */
export const TURNS = 16

/** Rows of one chain in a row, while others may be waiting. */
const TURN_ROWS = 20_000

/**
 * One turn of a chain, unless another archiver has it. `regardless` of that: a claim shares the work out and protects
 * nothing, for objects are create-only and a stamp is set once.
 */
export async function takeTurn(
  chain: WaitingChain,
  range: Omit<DrainRange, 'maxRows'>,
  deps: ArchiverDeps,
  stopping: Stopping,
  regardless = false,
): Promise<Drained | 'claimed elsewhere'> {
  const mirror = await openMirror(chain, deps.mirrors)
  const { concurrency } = deps.mirrors
  const turn = { ...range, maxRows: TURN_ROWS }
  const drain = () => drainChain(chain.domainId, turn, { ...deps, mirror, concurrency }, stopping)
  let drained: Drained | undefined
  await deps.queue.claim(chain.domainId, async () => {
    drained = await drain()
  })
  if (drained === undefined && regardless) drained = await drain()
  return drained ?? 'claimed elsewhere'
}
