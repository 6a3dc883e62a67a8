import type { Output } from './output.js'
import { safeText } from './safe-text.js'
import type { ShortForm } from './short-text.js'
import { note } from './streams.js'
import type { Tone } from './style.js'
import type { Below, Table } from './table-layout.js'

export type Cell = string | number | bigint | undefined

/** A column that says what may become of it on a terminal that is too narrow for the table. */
export interface Column {
  readonly title: string
  /** The short form of its cells on a terminal that is too narrow for the whole ones. */
  readonly short?: ShortForm
  /** Columns are left out in this order, 1 first. A column without it stays. */
  readonly drop?: number
  /** Whether long texts of the table are broken into lines before this column is left out. */
  readonly dropLate?: true
  /** A terminal that has no room for the column beside the others gets its cells below their row, under these names. */
  readonly below?: Below
  /** For numbers that are texts, such as those with a fixed number of decimals. */
  readonly align?: 'right'
  readonly tone?: (cell: Cell) => Tone | undefined
}

/** A column; a text is the title of one that stays. */
export type Heading = string | Column

/** A stream to print to, or something with the same screen. */
type Paper = Pick<Output, 'screen' | 'style'>

/**
 * Returns rows in columns, two spaces apart, with every cell escaped. In a pipe every value is whole. On a terminal numbers
 * are on the right, and a table that is too wide gets short ids and times, fewer columns, and then broken cells.
 */
export async function layOut(
  head: readonly Heading[],
  rows: readonly (readonly Cell[])[],
  { screen, style }: Paper,
): Promise<Table> {
  // Imported here because --help and --json do not use it.
  const { fitted } = await import('./table-layout.js')
  const columns = head.map((heading, index) => {
    const cells = rows.map((row) => row[index])
    const column: Column = typeof heading === 'string' ? { title: heading } : heading
    const isNumeric = column.align === 'right' || areNumbers(cells)
    return {
      ...column,
      texts: cells.map(cellText),
      tones: cells.map((cell) => column.tone?.(cell)),
      isNumeric,
      isRight: screen.isTerminal && isNumeric,
    }
  })
  return fitted(columns, screen, style)
}

/** Returns a table as text. On a terminal use {@link printTable}, which says what the table leaves out. */
export async function table(
  head: readonly Heading[],
  rows: readonly (readonly Cell[])[],
  out: Paper,
): Promise<string> {
  return (await layOut(head, rows, out)).text
}

/** Prints a table, and then a note about the columns that it leaves out. Resolves with false if the reader is gone. */
export async function printTable(
  head: readonly Heading[],
  rows: readonly (readonly Cell[])[],
  out: Output,
): Promise<boolean> {
  const { text, dropped } = await layOut(head, rows, out)
  const more = await out.line(text)
  noteDropped(dropped)
  return more
}

/** Notes which columns a table leaves out, once it is printed. */
export function noteDropped(titles: Iterable<string>): void {
  const dropped = [...titles]
  if (dropped.length > 0) note(`no room for: ${dropped.join(', ')}; --json shows all columns`)
}

/** Returns one field on each line, values escaped and aligned. Leaves out a field without a value. */
export function keyValues(fields: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 2
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(width)}${cellText(value)}`)
    .join('\n')
}

function areNumbers(cells: readonly Cell[]): boolean {
  const given = cells.filter((cell) => cell !== undefined)
  return given.length > 0 && given.every((cell) => typeof cell !== 'string')
}

function cellText(value: Cell): string {
  return value === undefined ? '' : safeText(String(value))
}
