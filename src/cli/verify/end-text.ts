import { wireTime } from '../../base/wire-time.js'
import type { Verdict } from '../../verify/verdict.js'

/**
 * Returns up to which row and time an intact chain is intact, and what shows that no newer rows were removed. Returns nothing
 * for a chain that diverges.
 */
export function endLines(verdict: Verdict): string[] {
  if (!verdict.ok || verdict.head.seq === 0) return []
  if (verdict.end === 'pinned') return pinnedLines(verdict)
  return verdict.end === 'head' ? headLines(verdict) : unprovenLines(verdict)
}

function placeOf({ head, lastRecordedAt }: Verdict): string {
  const time = lastRecordedAt === undefined ? '' : `, recorded ${wireTime(lastRecordedAt)}`
  return `intact up to row ${head.seq}${time}`
}

function pinnedLines(verdict: Verdict): string[] {
  return [
    `${placeOf(verdict)}; that row is pinned by a head from outside`,
    unreadTail(verdict) ?? 'rows that were added after the head was saved and removed again would not show',
  ]
}

function headLines(verdict: Verdict): string[] {
  return [
    `${placeOf(verdict)}; this database's own head row agrees`,
    'somebody who can write to this database can move both: pin it with --remember FILE or --expect-head',
    ...pinnedPart(verdict),
  ]
}

function unprovenLines(verdict: Verdict): string[] {
  const what = unreadTail(verdict) ?? 'that no newer rows were removed is not shown'
  return [`${placeOf(verdict)}; ${what}`, ...pinnedPart(verdict)]
}

/** Returns what is said of the rows after the last one that was asked for; undefined where the whole chain was read. */
function unreadTail({ toSeq, source }: Verdict): string | undefined {
  if (toSeq === undefined) return undefined
  return source === 'bundle'
    ? 'the rows after it are not in this file'
    : 'the rows after it were not verified'
}

function pinnedPart({ pinnedThrough }: Verdict): string[] {
  return pinnedThrough === undefined
    ? []
    : [`a head from outside shows that no row up to ${pinnedThrough} was removed`]
}
