import type { Backfilled } from '../../archive/backfill.js'
import type { Drained } from '../../archive/drain.js'
import type { ArchiveStatus } from '../../archive/status.js'
import { wireFinding } from '../../json/finding.js'
import type { MarkerState } from '../../marker/judge-marker.js'
import type { SigningStatus } from '../../signer/signing-status.js'

export function drainedJson(domainId: string, { stamped, held, failed }: Drained): Record<string, unknown> {
  return { domain_id: domainId, archived: stamped, held, failed }
}

export function backfilledJson(backfilled: Backfilled, dryRun: boolean): Record<string, unknown> {
  const { domainId, mirrorUrl, fromSeq, toSeq, rows, missing, lost, findings } = backfilled
  const { uploaded, stamped, held, failed, strays } = backfilled
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
    ...(strays !== undefined && { stray: strays }),
  }
}

/** The status of the archive and of the signatures of one chain. */
export interface ShownStatus extends ArchiveStatus {
  /** Absent in a log without signatures. */
  readonly signing?: SigningStatus | undefined
}

/** The states of a mirror's marker, as they are printed. */
export const MARKER_WORDS = {
  ours: 'present',
  adoptable: 'to_adopt',
  unmarked: 'missing',
  other: 'other',
  unreadable: 'unreadable',
} as const satisfies Record<MarkerState['kind'], string>

/** Returns what is known of the signatures of a chain. A log without signatures has none of these keys. */
function signingJson(signing: SigningStatus | undefined): Record<string, unknown> {
  if (signing === undefined) return {}
  const { signedThrough, signedAgeSeconds, notSignedReason } = signing
  return {
    ...(signedThrough !== undefined && {
      signed_through: signedThrough,
      signed_age_seconds: signedAgeSeconds,
    }),
    ...(notSignedReason !== undefined && { not_signed_reason: notSignedReason }),
  }
}

export function statusJson(status: ShownStatus): {
  readonly domain_id: string
  readonly [key: string]: unknown
} {
  const { domainId, mirrorUrl, marker, rows, archived, lagSeconds, objects, gaps, orphans, strays } = status
  const { unstampedObjects } = status
  return {
    domain_id: domainId,
    mirror: mirrorUrl,
    marker: MARKER_WORDS[marker.kind],
    rows,
    archived,
    lag_rows: rows - archived,
    lag_seconds: lagSeconds,
    objects,
    unstamped_objects: unstampedObjects,
    gaps: { count: gaps.count, first_seqs: gaps.firstSeqs },
    orphan_objects: { count: orphans.count, first_keys: orphans.firstKeys },
    ...(strays !== undefined && { stray: strays }),
    ...signingJson(status.signing),
  }
}
