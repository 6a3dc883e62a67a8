import type { Exported } from '../../bundle/export-chain.js'
import type { SelectionJson } from '../../bundle/manifest-selection.js'
import type { BundleVerdict } from '../../bundle/verify-bundle.js'
import { wireFinding } from '../../json/finding.js'
import { type VerifyResult, verifyResult } from '../../json/verify-result.js'

/** What `export --json` prints. */
export function exportJson(path: string, { manifest, written, findings }: Exported): unknown {
  const { domain_id, selection, rows, first_seq, last_seq, head, segments } = manifest
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
    segments: segments.length,
    findings: findings.map(wireFinding),
  }
}

/** What `verify --source bundle --json` prints: a verify result, and what the bundle is a selection of. */
export function bundleResult(
  verdict: BundleVerdict,
): VerifyResult & { readonly complete: boolean; readonly selection: SelectionJson } {
  const { complete, selectionJson } = verdict
  return { ...verifyResult(verdict), complete, selection: selectionJson }
}
