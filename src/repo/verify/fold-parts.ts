import type { FoldResult } from '../../chain/fold.js'
import { joinSeen } from '../../chain/log/signed-heads.js'
import type { FoldTask } from './fold-segment.js'

/**
 * Cuts a segment that ends with the row `end` into `parts` segments with equally many seqs. Each part also reads its
 * predecessor, the last row of the part before it, to check the link.
 */
export function cutParts(task: FoldTask, end: number, parts: number): FoldTask[] {
  const startOf = (index: number) => task.fromSeq + Math.floor((index * (end - task.fromSeq + 1)) / parts)
  return Array.from({ length: parts }, (_, index) => {
    const [isFirst, isLast] = [index === 0, index === parts - 1]
    const fromSeq = startOf(index)
    const toSeq = isLast ? task.toSeq : startOf(index + 1) - 1
    const pins = task.pins.filter(({ seq }) => (isFirst || seq >= fromSeq) && seq <= (toSeq ?? seq))
    // A part reads its predecessor too, and the row after a head says when that was.
    const heads = task.heads?.filter(({ seq }) => (isFirst || seq >= fromSeq - 1) && seq <= (toSeq ?? seq))
    return { ...task, fromSeq, toSeq, pins, heads }
  })
}

/**
 * Returns the verdict on a segment if every part is intact and ends where the next part begins, all in one snapshot.
 * Otherwise returns undefined: one fold over the whole segment must then find out what is wrong. `results` holds the
 * result of each part.
 */
export function joinParts(
  parts: readonly FoldTask[],
  results: readonly FoldResult[],
): FoldResult | undefined {
  const areIntact = results.every(({ findings, unchecked, last }, index) => {
    const isWhole = last !== undefined && last.seq === (parts[index]?.toSeq ?? last.seq)
    return isWhole && findings.length === 0 && unchecked === undefined
  })
  if (!areIntact) return undefined
  const rows = results.reduce((sum, result) => sum + result.rows, 0)
  const recorded = joinRecorded(results)
  const { last, lastRows } = results.at(-1) ?? {}
  const isAsked = parts.some(({ heads }) => heads !== undefined)
  const heads = isAsked ? joinSeen(results.map((result) => result.heads)) : undefined
  const seen = heads === undefined ? {} : { heads }
  return { rows, last, lastRows, recorded, findings: [], ...seen, clockAhead: joinAhead(results) }
}

function joinRecorded(results: readonly FoldResult[]): FoldResult['recorded'] {
  const [first, last] = [results[0]?.recorded, results.at(-1)?.recorded]
  return first === undefined || last === undefined ? undefined : { first: first.first, last: last.last }
}

/** The times of intact parts ascend, so the first part that is ahead has the first row, and the last one the latest time. */
function joinAhead(results: readonly FoldResult[]): FoldResult['clockAhead'] {
  const ahead = results.flatMap(({ clockAhead }) => (clockAhead === undefined ? [] : [clockAhead]))
  const [first, last] = [ahead[0], ahead.at(-1)]
  return first === undefined || last === undefined ? undefined : { ...first, seconds: last.seconds }
}
