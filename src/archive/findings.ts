import type { Finding } from '../chain/finding.js'
import type { SourceName } from '../ports/verify.js'

/** A finding, and the copy that it was found in. */
export interface SourcedFinding {
  readonly source: SourceName
  readonly finding: Finding
}

export function sourced(source: SourceName, findings: readonly Finding[]): SourcedFinding[] {
  return findings.map((finding) => ({ source, finding }))
}
