import type { Finding, FindingCode } from '../chain/finding.js'
import { asHash } from '../chain/hash.js'

/** A finding as it is printed and sent. Hashes are 64 hex digits or absent. */
export interface WireFinding {
  readonly code: FindingCode
  readonly seq_from: number
  readonly seq_to: number
  readonly expected?: string
  readonly observed?: string
  readonly detail: string
}

/** Returns the printed form of a finding. Leaves out a stored hash that an attacker made longer or shorter. */
export function wireFinding(finding: Finding): WireFinding {
  const { code, seqFrom, seqTo, detail } = finding
  const [expected, observed] = [asHash(finding.expected), asHash(finding.observed)]
  return {
    code,
    seq_from: seqFrom,
    seq_to: seqTo,
    ...(expected !== undefined && { expected }),
    ...(observed !== undefined && { observed }),
    detail,
  }
}
