import type { Finding } from '../chain/finding.js'
import type { SourceName } from '../ports/verify.js'

/** What one copy of a row shows to be wrong. */
export interface SourcedFinding {
  readonly source: SourceName
  readonly finding: Finding
}

export function sourced(source: SourceName, findings: readonly Finding[]): SourcedFinding[] {
  return findings.map((finding) => ({ source, finding }))
}
