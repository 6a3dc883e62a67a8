import { safeText } from './safe-text.js'

/** A text is anyone's; a `json` text is one line that `jsonText` wrote, and begins with a bracket. */
export type CsvCell = string | number | bigint | undefined | { readonly json: string }

/** What spreadsheets read as the beginning of a formula, small and full-width forms included. */
const SIGNS = '=+\\-@\\u2212\\ufe62\\ufe63\\ufe66\\ufe6b\\uff0b\\uff0d\\uff1d\\uff20'

const FORMULA = new RegExp(`^(?:[\\t\\r]|["\\s]*[${SIGNS}])`)

/** Where the decimal mark is a comma, a spreadsheet divides a line at semicolons, also inside quotes. */
const AFTER_SEMICOLON = new RegExp(`;(?=["\\s]*[${SIGNS}])`, 'g')

const SPECIAL = /[",;]|^ | $/

/**
 * Returns the cells as one record of RFC 4180, without the line feed at its end. Text is escaped to one line of visible
 * characters. A text that a spreadsheet would run as a formula, from its beginning or from a semicolon on, gets an apostrophe
 * there; a number stays as it is. JSON keeps its value: a semicolon in it is an escape.
 */
export function csvRecord(cells: readonly CsvCell[]): string {
  return `${cells.map((cell) => quoted(cellText(cell))).join(',')}\r`
}

function cellText(cell: CsvCell): string {
  if (cell === undefined) return ''
  if (typeof cell === 'object') return cell.json.replaceAll(';', '\\u003b')
  if (typeof cell !== 'string') return String(cell)
  const text = safeText(cell).replace(AFTER_SEMICOLON, ";'")
  return FORMULA.test(cell) ? `'${text}` : text
}

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
