import { safeText } from './safe-text.js'

/** A text may come from an attacker; a `json` text is one line that `jsonText` wrote, and begins with a bracket. */
export type CsvCell = string | number | bigint | undefined | { readonly json: string }

/** What spreadsheets read as the beginning of a formula, full-width forms included. */
const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/

const SPECIAL = /[",]|^ | $/

/**
 * Returns the cells as one record of RFC 4180, without the line feed at its end. Text is escaped to one line of visible
 * characters. A text that a spreadsheet would run as a formula gets an apostrophe in front; a number stays as it is.
 */
export function csvRecord(cells: readonly CsvCell[]): string {
  return `${cells.map((cell) => quoted(cellText(cell))).join(',')}\r`
}

function cellText(cell: CsvCell): string {
  if (cell === undefined) return ''
  if (typeof cell === 'object') return cell.json
  if (typeof cell !== 'string') return String(cell)
  const text = safeText(cell)
  return FORMULA.test(cell) ? `'${text}` : text
}

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
