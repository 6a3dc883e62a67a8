import type { StatedHeads } from '../../ports/log/heads.js'
import type { Verdict } from '../verdict.js'

/**
 * Returns the verdict on the platform chain of a mirror that also counts the heads in its own rows, which are known only after they
 * were read. Normally a kept checkpoint is newer than these. Where none is, the rows are read again. `stated` has all heads, those
 * that the command gave too. A verdict with findings is returned as it is, because more heads revoke no finding.
 */
export async function withOwnRows(
  verdict: Verdict,
  stated: StatedHeads,
  verifyAgain: (signed: StatedHeads) => Promise<Verdict>,
): Promise<Verdict> {
  if (verdict.findings.length > 0) return verdict
  const before = verdict.signatures?.newestSize ?? 0
  const isNewer = stated.heads.some((head) => head.size > before && head.signer() !== undefined)
  return isNewer ? verifyAgain(stated) : verdict
}
