import type { WaitingChain } from '../ports/archive.js'
import { type DrainDeps, type Drained, type DrainRange, drainChain, nothingDrained } from './drain.js'
import type { SourcedFinding } from './findings.js'
import type { AssertHeld, AssertOurs, Mirrors } from './mirrors.js'
import { isStillOurs } from './still-ours.js'
import type { Stopping } from './stopping.js'

/** What the archiver works with. */
export interface ArchiverDeps extends Pick<DrainDeps, 'queue' | 'codec' | 'hasher' | 'onStamped'> {
  readonly mirrors: Mirrors
  /** Rejects where the place is not the mirror of this database. Called before each pass, and before each stamp. */
  readonly assertOurs: AssertOurs
  /** Rejects where the mirror has lost the chain, or never held it. Called before the first upload of a pass. */
  readonly assertHeld: AssertHeld
  /** Records findings and reports them. Called again with the same findings as long as the damage is there. */
  readonly onFindings: (domainId: string, findings: readonly SourcedFinding[]) => Promise<void>
}

/** Chains of one mirror that are drained at once: the chains of a dead mirror do not block those of other mirrors. */
export const PASSES_PER_MIRROR = 4

/** Chains that are drained at once. Each holds two batches of rows in memory. */
export const PASSES = 16

/** Rows of one chain in one pass, while other chains may be waiting. */
const PASS_ROWS = 20_000

/**
 * Runs one pass over a chain, unless another archiver has claimed it. With `regardless` the pass runs even then: a claim
 * only shares the work, because objects are create-only and a stamp is set once.
 */
export async function drainPass(
  chain: WaitingChain,
  range: Omit<DrainRange, 'maxRows'>,
  deps: ArchiverDeps,
  stopping: Stopping,
  regardless = false,
): Promise<Drained | 'claimed elsewhere'> {
  const mirror = await deps.mirrors.of(chain)
  const assertOurs = () => deps.assertOurs(mirror, stopping.giveUp)
  const assertPlace = async () => {
    await assertOurs()
    await deps.assertHeld(chain.domainId, mirror, stopping.giveUp)
  }
  if (!(await isStillOurs(assertPlace, stopping.giveUp))) return nothingDrained(range.after)
  const { concurrency } = deps.mirrors
  const pass = { ...range, maxRows: PASS_ROWS }
  const drain = () => drainChain(chain.domainId, pass, { ...deps, mirror, concurrency, assertOurs }, stopping)
  let drained: Drained | undefined
  await deps.queue.claim(chain.domainId, async () => {
    drained = await drain()
  })
  if (drained === undefined && regardless) drained = await drain()
  return drained ?? 'claimed elsewhere'
}
