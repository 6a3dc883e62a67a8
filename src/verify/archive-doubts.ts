import { AuditError } from '../base/errors.js'
import { wireTime } from '../base/wire-time.js'
import type { PinnedHead } from '../chain/entry.js'
import type { ArchiveState, Scan, SourceName } from '../ports/verify.js'

export interface ArchiveDemands {
  readonly domainId: string
  readonly pins: readonly PinnedHead[]
  /** Milliseconds. A row that is older and not archived cannot be proven by the mirror. */
  readonly maxUnarchived?: number | undefined
}

/** Returns what the archive of a chain leaves unproven. */
export function archiveDoubts(
  source: SourceName,
  { archive, clock = 0n }: Pick<Scan, 'archive' | 'clock'>,
  { domainId, pins, maxUnarchived }: ArchiveDemands,
): AuditError[] {
  if (archive === undefined) return []
  return [
    ...(maxUnarchived === undefined ? [] : tooOld(domainId, archive, clock, maxUnarchived)),
    // With both copies, each row is judged by itself.
    ...(source === 'postgres' ? unstampedSince(domainId, archive, pins) : []),
  ]
}

function tooOld(domainId: string, { waiting }: ArchiveState, clock: bigint, most: number): AuditError[] {
  if (waiting === undefined || clock - waiting.recordedAt <= BigInt(most) * 1_000n) return []
  const since = wireTime(waiting.recordedAt)
  const seconds = (clock - waiting.recordedAt) / 1_000_000n
  const message = `chain ${domainId}: row ${waiting.seq}, recorded at ${since}, is not archived after ${seconds} s; at most ${most / 1000} s were allowed`
  return [new AuditError('archive_behind', message, { advice: { code: 'run_archiver' } })]
}

/** A stamp is never removed. PostgreSQL alone cannot show whether the row's object is gone too. */
function unstampedSince(
  domainId: string,
  { through }: ArchiveState,
  pins: readonly PinnedHead[],
): AuditError[] {
  const pinned = Math.max(0, ...pins.map(({ archivedThrough = 0 }) => archivedThrough))
  if (through >= pinned) return []
  const message = `chain ${domainId}: a pin says that rows 1 to ${pinned} were archived, and row ${through + 1} has no archive stamp`
  return [new AuditError('archive_behind', message, { advice: { code: 'verify_both_for_stamps' } })]
}
