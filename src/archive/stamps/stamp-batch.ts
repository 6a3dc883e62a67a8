import { AuditError } from '../../base/errors.js'
import type { ArchiveQueue } from '../../ports/archive.js'

/** What the stamping of uploaded rows came to. */
export interface Stamping {
  readonly stamped: number
  /** Rows that are uploaded and keep a stamp that does not count. */
  readonly refused: number
  readonly error?: AuditError | undefined
}

/** Stamps uploaded rows. Resolves with `archive_behind` in its result where a row has a stamp that does not count. */
export async function stampUploaded(
  domainId: string,
  rows: readonly { readonly seq: number; readonly etag: string }[],
  queue: Pick<ArchiveQueue, 'stamp'>,
): Promise<Stamping> {
  if (rows.length === 0) return { stamped: 0, refused: 0 }
  const { stamped, refused, removal } = await queue.stamp(domainId, rows)
  const [first] = refused
  return {
    stamped,
    refused: refused.length,
    error: first === undefined ? undefined : refusedError(domainId, first, removal),
  }
}

function refusedError(domainId: string, seq: number, removal: string): AuditError {
  return new AuditError(
    'archive_behind',
    `chain ${domainId}: row ${seq} is uploaded, but its archive stamp does not count: the stamp is older than the row, so no ` +
      'archiver wrote it, and a stamp is never replaced',
    { advice: { code: 'delete_forged_stamps', removal } },
  )
}
