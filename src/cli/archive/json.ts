import type { Backfilled } from '../../archive/backfill.js'
import type { Drained } from '../../archive/drain.js'
import type { ArchiveStatus } from '../../archive/status.js'
import { wireFinding } from '../../json/finding.js'

export function drainedJson(domainId: string, { stamped, held, failed }: Drained): Record<string, unknown> {
  return { domain_id: domainId, archived: stamped, held, failed }
}

export function backfilledJson(backfilled: Backfilled, dryRun: boolean): Record<string, unknown> {
  const { domainId, mirrorUrl, fromSeq, toSeq, rows, missing, lost, findings } = backfilled
  const { uploaded, stamped, held, failed } = backfilled
  return {
    domain_id: domainId,
    mirror: mirrorUrl,
    dry_run: dryRun,
    segment_from: fromSeq,
    segment_to: toSeq,
    rows,
    missing,
    lost,
    uploaded,
    stamped,
    held,
    failed,
    findings: findings.map(wireFinding),
  }
}

export function statusJson(status: ArchiveStatus): Record<string, unknown> {
  const { domainId, mirrorUrl, rows, archived, lagSeconds, objects, gaps, orphans } = status
  return {
    domain_id: domainId,
    mirror: mirrorUrl,
    rows,
    archived,
    lag_rows: rows - archived,
    lag_seconds: lagSeconds,
    objects,
    gaps: { count: gaps.count, first_seqs: gaps.firstSeqs },
    orphan_objects: { count: orphans.count, first_keys: orphans.firstKeys },
  }
}
