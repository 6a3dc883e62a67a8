import type { AuditError } from '../base/errors.js'
import { sum } from '../base/sum.js'
import type { ChainHead } from '../chain/entry.js'
import type { KnownChains } from '../ports/domains.js'
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
  readonly intact: number
  readonly diverged: number
  /** Chains that could not be checked. */
  readonly failed: number
  readonly rows: number
  readonly findings: number
  /** How many intact chains have which proof of their end. */
  readonly ends: Readonly<Record<EndProof, number>>
}

export function summarise(
  verdicts: readonly Verdict[],
  failed: number,
  doubts: readonly AuditError[] = [],
): VerifySummary {
  const diverged = verdicts.filter(({ ok }) => !ok).length
  const ends = (proof: EndProof) => verdicts.filter(({ ok, end }) => ok && end === proof).length
  return {
    ok: diverged === 0 && failed === 0 && doubts.length === 0,
    chains: verdicts.length + failed,
    intact: verdicts.length - diverged,
    diverged,
    failed,
    rows: sum(verdicts, ({ rows }) => rows),
    findings: sum(verdicts, ({ findings }) => findings.length),
    ends: { head: ends('head'), pinned: ends('pinned'), unproven: ends('unproven') },
  }
}
