import type { AuditEntry } from '../../json/entry.js'
import type { ReadEntry } from '../../ports/query.js'
import { shownEntry } from '../../query/claimed-entry.js'

/** Returns the time and the reason of a row as text; absent for a row that cannot be read and does not even claim them. */
export function readableCells(
  stored: ReadEntry,
  { occurred_at, reason }: AuditEntry,
): { readonly time?: string | undefined; readonly reason?: string | undefined } {
  if (stored.problem === undefined) return { time: occurred_at, reason }
  const { recordedAt, reason: claimed } = shownEntry(stored)
  return {
    time: recordedAt === undefined ? undefined : occurred_at,
    reason: claimed === undefined ? undefined : reason,
  }
}
