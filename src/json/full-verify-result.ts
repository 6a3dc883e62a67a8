import { wireTime } from '../base/wire-time.js'
import type { Conclusion } from '../verify/signed/conclusion.js'
import type { EndProof, Verdict } from '../verify/verdict.js'
import { type ConclusionJson, conclusionJson } from './conclusion.js'
import { type EvidentFinding, evidentFinding } from './finding-evidence.js'
import { type VerifyResult, verifyResult } from './verify-result.js'

/** A verify result as the command line prints it. Its additional keys are no part of the HTTP contract. */
export interface FullVerifyResult extends Omit<VerifyResult, 'findings'>, Partial<ConclusionJson> {
  /** What shows that no rows after the last verified row were removed. */
  readonly end: EndProof
  /** The newest head from outside the source that the rows contain. Only if one was given. */
  readonly pinned_through?: number
  /** When the first and the last row that recompute were recorded. Only if there is one. */
  readonly first_recorded_at?: string
  readonly last_recorded_at?: string
  readonly findings: readonly EvidentFinding[]
}

/**
 * Returns the printed form of a verdict, with the end of the chain and the evidence of its findings. `conclusion`: what the run
 * concluded, where it has a policy or requirements, or has seen a signature.
 */
export function fullVerifyResult(verdict: Verdict, conclusion?: Conclusion): FullVerifyResult {
  const { end, pinnedThrough, firstRecordedAt, lastRecordedAt } = verdict
  const { head, findings: _plain, stats, ...result } = verifyResult(verdict)
  return {
    ...result,
    head,
    end,
    ...(pinnedThrough !== undefined && { pinned_through: pinnedThrough }),
    ...(conclusion && conclusionJson(verdict, conclusion)),
    ...(firstRecordedAt !== undefined && { first_recorded_at: wireTime(firstRecordedAt) }),
    ...(lastRecordedAt !== undefined && { last_recorded_at: wireTime(lastRecordedAt) }),
    findings: verdict.findings.map(evidentFinding),
    stats,
  }
}
