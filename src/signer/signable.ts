import type { Holes } from '../chain/tree/holes.js'
import type { ChainRows } from '../ports/signer.js'

/** Rows that one step signs at most (tlog.md, section 11). */
export const STEP_ROWS = 2 ** 20

/** How far a chain can be signed. */
export interface Signable {
  /** The last row that can be signed; the size of the tree where none can. */
  readonly to: number
  /** Whether archived rows follow a row that is not archived: the archiver held that row back. */
  readonly isHeld: boolean
}

/**
 * Returns how far a chain can be signed from a size on: up to the row before the first unarchived row outside its holes, and at most
 * {@link STEP_ROWS}. The last row is never in a hole. `cap`: the last row that the snapshot was opened for.
 */
export function signable(
  { lastSeq, unstamped }: Pick<ChainRows, 'lastSeq' | 'unstamped'>,
  size: number,
  cap: number,
  holes: Holes,
): Signable {
  const end = Math.min(lastSeq, cap)
  const waiting = firstWaiting(unstamped, size, holes)
  let to = Math.min(end, size + STEP_ROWS, (waiting?.seq ?? Number.POSITIVE_INFINITY) - 1)
  for (let hole = holes.at(to); hole !== undefined; hole = holes.at(to)) to = hole.from - 1
  return { to: Math.max(to, size), isHeld: waiting !== undefined && waiting.rangeEnd < end }
}

/** Rows up to the size are signed. One of them that has lost its stamp says nothing, because a stamp is a hint only. */
function firstWaiting(
  unstamped: ArrayLike<number>,
  size: number,
  holes: Holes,
): { readonly seq: number; readonly rangeEnd: number } | undefined {
  for (let at = 0; at + 1 < unstamped.length; at += 2) {
    const [from, rangeEnd] = [unstamped[at] ?? 0, unstamped[at + 1] ?? 0]
    let seq = Math.max(from, size + 1)
    for (let hole = holes.at(seq); hole !== undefined; hole = holes.at(seq)) seq = hole.to + 1
    if (seq <= rangeEnd) return { seq, rangeEnd }
  }
  return undefined
}
