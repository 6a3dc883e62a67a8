import { type LogRow, lastKeyId } from './log-rows.js'
import { itemLines } from './text-row.js'

/** Rows with a relation of signed rows that no known key signs. They prove nothing, and are no finding. */
export interface ForeignRows {
  /** How many rows each relation has. */
  readonly byRelation: ReadonlyMap<string, number>
  /** How many rows each unknown key id has, for rows with the form of a signed row. */
  readonly byKeyId: ReadonlyMap<string, number>
}

/** The characters of an item with a signature. */
const SIG_LENGTH = 101

/** Returns the key id of the last signature of a row, without reading the row. */
export function keyIdIn(row: LogRow): string | undefined {
  return lastKeyId(itemLines(row).slice(-SIG_LENGTH).split('\n').at(-1))
}

export function count(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}

export function summed(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const sums = new Map(one)
  for (const [name, more] of other) count(sums, name, more)
  return sums
}
