import { type AuditError, isRetryable } from '../base/errors.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import type { ArchivedChain } from '../ports/marker.js'
import { PASSES } from './drain-pass.js'
import type { AssertOurs, ClaimingChain, Mirrors } from './mirrors.js'

export interface PlacesDeps {
  /** Returns every chain that has rows. */
  readonly chains: () => Promise<readonly Pick<ArchivedChain, 'domainId' | 'claims'>[]>
  readonly mirrors: Mirrors
  readonly assertOurs: AssertOurs
}

/** A place that is not the mirror, or cannot be read. */
export interface PlaceFailure {
  /** The first chain that belongs there. */
  readonly domainId: string
  readonly error: AuditError
}

/**
 * Judges the place of each chain, and each place once: a wrong or empty place shows although no row waits. `judged` are
 * chains whose places were judged already. Rejects where the chains cannot be read, at the signal, at a bug, and with `schema_newer`.
 */
export async function judgePlaces(
  { chains, mirrors, assertOurs }: PlacesDeps,
  judged: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<PlaceFailure[]> {
  const places = new Map<string, ClaimingChain>()
  const done = new Set<string>()
  for (const chain of await chains()) {
    const url = mirrors.urlOf(chain)
    if (url === undefined) continue
    if (judged.has(chain.domainId)) done.add(url)
    else if (!places.has(url)) places.set(url, chain)
  }
  const left = [...places].filter(([url]) => !done.has(url)).map(([, chain]) => chain)
  const outcomes = await inParallel(
    left,
    PASSES,
    () => signal.aborted,
    async (chain) => {
      try {
        await assertOurs(await mirrors.of(chain), signal)
      } catch (error) {
        if (isRetryable(error)) return { domainId: chain.domainId, error }
        throw error
      }
      return undefined
    },
  )
  return outcomes.filter((failure) => failure !== undefined)
}
