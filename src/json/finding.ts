import type { Finding, FindingCode } from '../chain/finding.js'

/** A finding as it is printed and sent. Hashes are 64 hex digits or absent. */
export interface WireFinding {
  readonly code: FindingCode
  readonly seq_from: number
  readonly seq_to: number
  readonly expected?: string
  readonly observed?: string
  readonly detail: string
}

/** Returns the printed form of a finding. */
export function wireFinding(finding: Finding): WireFinding {
  const { code, seqFrom, seqTo, expected, observed, detail } = finding
  return {
    code,
    seq_from: seqFrom,
    seq_to: seqTo,
    ...(isPrintable(expected) && { expected }),
    ...(isPrintable(observed) && { observed }),
    detail,
  }
}

/** An attacker may have made a stored hash longer or shorter. Such a hash is left out. */
function isPrintable(hash: string | undefined): hash is string {
  return hash !== undefined && /^[0-9a-f]{64}$/.test(hash)
}
