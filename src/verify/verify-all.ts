import type { AuditError } from '../base/errors.js'
import { sum } from '../base/sum.js'
import type { ChainHead } from '../chain/entry.js'
import type { KnownChains } from '../ports/domains.js'
import type { VerdictWord } from './signed/conclusion.js'
import type { EndProof, Verdict } from './verdict.js'

/** Returns the ids of the chains to verify when all are asked for: every known chain and every pinned one. */
export function chainsToVerify(
  known: KnownChains,
  pins: ReadonlyMap<string, readonly ChainHead[]>,
): string[] {
  return [...new Set([...known.domainIds, ...pins.keys()])].sort()
}

/** The totals over all verified chains. */
export interface VerifySummary {
  readonly ok: boolean
  readonly chains: number
  /** Chains without a finding and nothing more; a chain that is verified or unproven counts as that alone. */
  readonly intact: number
  readonly diverged: number
  /** Chains that could not be checked. */
  readonly failed: number
  readonly rows: number
  readonly findings: number
  /** Only where the run has a policy or requirements, or has seen a signature. */
  readonly verified?: number | undefined
  readonly unproven?: number | undefined
  /** How many intact chains have which proof of their end. */
  readonly ends: Readonly<Record<EndProof, number>>
}

/** Returns the totals. `words`: what the run concluded about each chain, where it says so. */
export function summarise(
  verdicts: readonly Verdict[],
  failed: number,
  doubts: readonly AuditError[] = [],
  words?: ReadonlyMap<string, VerdictWord>,
): VerifySummary {
  const diverged = verdicts.filter(({ ok }) => !ok).length
  const isIntact = ({ ok, domainId }: Verdict) => ok && (words?.get(domainId) ?? 'intact') === 'intact'
  const intact = verdicts.filter(isIntact)
  const ends = (proof: EndProof) => intact.filter(({ end }) => end === proof).length
  const counts = words && wordCounts(words)
  return {
    ok: diverged === 0 && failed === 0 && doubts.length === 0 && (counts?.unproven ?? 0) === 0,
    chains: verdicts.length + failed,
    ...counts,
    intact: intact.length,
    diverged,
    failed,
    rows: sum(verdicts, ({ rows }) => rows),
    findings: sum(verdicts, ({ findings }) => findings.length),
    ends: { head: ends('head'), pinned: ends('pinned'), unproven: ends('unproven') },
  }
}

function wordCounts(words: ReadonlyMap<string, VerdictWord>): { verified: number; unproven: number } {
  const count = (word: VerdictWord) => [...words.values()].filter((one) => one === word).length
  return { verified: count('verified'), unproven: count('unproven') }
}
