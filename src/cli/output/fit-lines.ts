import { fitWidths, GAP } from './fit-widths.js'
import type { Style } from './style.js'
import { brokenText, textWidth } from './text-width.js'

/** The room of a line: undefined in a pipe, where no line is too long. */
type Room = Pick<Style, 'columns'>

/** No text is broken into lines that are shorter than this. */
const LEAST = 8

/** Returns safe text behind an indent, broken where words end on a terminal that is too narrow. */
export function indented(text: string, { columns }: Room, indent: number): string[] {
  const lines = columns === undefined ? [text] : brokenText(text, Math.max(LEAST, columns - indent))
  return lines.map((line) => ' '.repeat(indent) + line)
}

/** Returns safe texts two spaces apart, on as few lines as a terminal has room for. Later lines begin with the indent. */
export function packed(parts: readonly string[], { columns }: Room, indent: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const line = lines.at(-1)
    const longer = `${line ?? ''}${GAP}${part}`
    if (line === undefined) lines.push(part)
    else if (columns === undefined || textWidth(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(' '.repeat(indent) + part)
  }
  return lines
}

/**
 * Returns rows of safe texts as lines with aligned columns. Breaks the texts of the widest columns on a terminal that is too
 * narrow, except those of the first `whole` columns.
 */
export function alignedRows(
  rows: readonly (readonly string[])[],
  { columns }: Room,
  indent: number,
  whole = 0,
): string[][] {
  const natural = widthsOf(rows)
  const least = natural.map((width, index) => (index < whole ? width : Math.min(width, LEAST)))
  const widths = columns === undefined ? natural : fitWidths(natural, least, columns - indent)
  return rows.map((row) => {
    const cells = row.map((cell, index) => brokenText(cell, Math.max(2, widths[index] ?? 0)))
    const height = Math.max(1, ...cells.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) => {
      const texts = cells.map((lines, index) => padded(lines[line] ?? '', widths[index] ?? 0))
      return (' '.repeat(indent) + texts.join(GAP)).trimEnd()
    })
  })
}

/** Returns the widths of the columns. */
export function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, textWidth(cell))
  return widths
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)))
}
