import type { Finding, FindingCode } from '../chain/finding.js'
import { asHash } from '../chain/hash.js'

/** A finding as the manifest lists it. */
export interface ManifestFinding {
  readonly code: FindingCode
  readonly seq_from: number
  readonly seq_to: number
  /** 64 hex digits. */
  readonly expected?: string | undefined
  /** 64 hex digits. */
  readonly observed?: string | undefined
  readonly detail: string
}

/** Leaves out what a forced row has in place of a hash. */
export function manifestFinding(finding: Finding): ManifestFinding {
  const { code, seqFrom, seqTo, expected, observed, detail } = finding
  return {
    code,
    seq_from: seqFrom,
    seq_to: seqTo,
    expected: asHash(expected),
    observed: asHash(observed),
    detail,
  }
}
