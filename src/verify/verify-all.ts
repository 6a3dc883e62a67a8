import type { ChainHead } from '../chain/entry.js'
import { type Finding, inOrder } from '../chain/finding.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports.js'
import { divergence, wireFinding } from './result.js'
import type { Verdict } from './verify-chain.js'

/** The chains that `--all` must judge: all that anything speaks of, and those that were pinned. */
export function chainsToVerify(
  known: KnownChains,
  pins: ReadonlyMap<string, readonly ChainHead[]>,
): string[] {
  return [...new Set([...known.domainIds, ...pins.keys()])].sort()
}

/**
 * `chain_missing` for a Domain that the platform chain says was created and that has no rows or no registry entry any
 * more; added to the verdict on that chain, which alone could not tell.
 */
export function withMissing(verdict: Verdict, domainId: string, known: KnownChains): Verdict {
  const isExpected =
    known.created.has(domainId) || (domainId === PLATFORM_ANCHOR && known.registered.size > 0)
  const isRegistered = domainId === PLATFORM_ANCHOR || known.registered.has(domainId)
  const hasRows = verdict.result.rows > 0
  const isFound = verdict.findings.some((finding) => finding.code === 'chain_missing')
  if (isFound || !isExpected || (isRegistered && hasRows)) return verdict
  const what = hasRows ? 'it is not in the registry' : 'no row of it is there'
  const finding: Finding = {
    code: 'chain_missing',
    seqFrom: 1,
    seqTo: Math.max(verdict.result.segment_to, 1),
    detail: `the platform chain knows this Domain, and ${what}`,
  }
  const findings = inOrder([...verdict.findings, finding])
  const wire = findings.map(wireFinding)
  return { findings, result: { ...verdict.result, ok: false, ...divergence(wire), findings: wire } }
}

/** The last line of `verify --all`. */
export interface VerifySummary {
  readonly ok: boolean
  readonly chains: number
  readonly intact: number
  readonly diverged: number
  /** Chains that could not be checked. */
  readonly failed: number
  readonly rows: number
  readonly findings: number
}

export function summarise(verdicts: readonly Verdict[], failed: number): VerifySummary {
  const diverged = verdicts.filter(({ result }) => !result.ok).length
  const sum = (of: (verdict: Verdict) => number) =>
    verdicts.reduce((total, verdict) => total + of(verdict), 0)
  return {
    ok: diverged === 0 && failed === 0,
    chains: verdicts.length + failed,
    intact: verdicts.length - diverged,
    diverged,
    failed,
    rows: sum(({ result }) => result.rows),
    findings: sum(({ findings }) => findings.length),
  }
}
