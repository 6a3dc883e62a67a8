import type { Exported } from '../../bundle/export-chain.js'
import type { SelectionJson } from '../../bundle/manifest-selection.js'
import type { BundleVerdict } from '../../bundle/verify-bundle.js'
import { wireFinding } from '../../json/finding.js'
import { type FullVerifyResult, fullVerifyResult } from '../../json/full-verify-result.js'
import type { Conclusion } from '../../verify/signed/conclusion.js'

/** What `export --json` prints. */
export function exportJson(path: string, { manifest, written, findings }: Exported): unknown {
  const { domain_id, selection, rows, first_seq, last_seq, head, report, segments } = manifest
  return {
    ok: findings.length === 0,
    file: path,
    ...written,
    domain_id,
    selection,
    rows,
    first_seq,
    last_seq,
    ...(head !== undefined && { head }),
    ...(report !== undefined && { report: { bytes: report.bytes, sha256: report.sha256 } }),
    segments: segments.length,
    findings: findings.map(wireFinding),
  }
}

/** What `verify --source bundle --json` prints: a verify result, and what the bundle is a selection of. */
export function bundleResult(
  verdict: BundleVerdict,
  conclusion?: Conclusion,
): FullVerifyResult & { readonly complete: boolean; readonly selection: SelectionJson } {
  const { complete, selectionJson } = verdict
  return { ...fullVerifyResult(verdict, conclusion), complete, selection: selectionJson }
}
