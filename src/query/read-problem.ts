import { isUnreadable } from '../base/row-filter.js'
import type { ReadEntry } from '../ports/query.js'

/** Something that a copy holds and that an answer leaves out, although it may belong there. */
export interface ReadProblem {
  /** The row that it is about, or the first one; 0 if that is not known. */
  readonly seq: number
  /** A sentence without an end mark. It may hold untrusted text. */
  readonly problem: string
  /** Whether this program cannot read the row, which says nothing about the copy. */
  readonly isUnknown?: boolean | undefined
}

/** Returns the problem of a row that could not be compared with a filter, because its bytes could not be decoded. */
export function hiddenRow(row: ReadEntry): ReadProblem | undefined {
  const { seq, problem, generation } = row
  if (problem !== undefined) return { seq, problem: `row ${seq} ${problem}` }
  if (!isUnreadable(row)) return undefined
  const unknown = `row ${seq} is of generation ${generation}, which this program does not know`
  return { seq, problem: unknown, isUnknown: true }
}
