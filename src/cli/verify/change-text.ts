import type { ContextRow, FieldChange, FieldValue } from '../../chain/evidence/finding-evidence.js'
import type { Finding } from '../../chain/finding.js'
import { alignedRows, indented, widthsOf } from '../output/fit-lines.js'
import { tableWidth } from '../output/fit-widths.js'
import { safeText } from '../output/safe-text.js'
import type { Style } from '../output/style.js'

/** The most characters of one value. JSON has all of them. */
const VALUE_CHARACTERS = 44
/** The most characters of a hash or a pseudonym that are shown. */
const HASH_CHARACTERS = 16
/** The most characters of a value of a row that is shown for orientation. */
const BRIEF_CHARACTERS = 32

/** With so many fields in one copy alone, the other copy has no such row or cannot be read. */
const ONE_COPY_FIELDS = 9

const HASH = /^[0-9a-f]{64}$/

const COPIES = { postgres: 'PostgreSQL', mirror: 'mirror' } as const

/**
 * Returns the fields that differ as a table of both copies for each row, and which copy is the original. A row that only one
 * copy has is shown among the rows around the finding, where it is marked.
 */
export function changeLines(finding: Finding, style: Style): string[] {
  const { changes = [], rowsChanged = 0 } = finding
  const seqs = [...new Set(changes.map(({ seq }) => seq))]
  const rows = seqs.map((seq) => changes.filter((change) => change.seq === seq))
  const more = rowsChanged - seqs.length
  return [
    ...rows.flatMap((row) => rowLines(row, finding, style)),
    ...(more > 0 ? [`    … and ${more.toLocaleString('en-US')} more rows that differ`] : []),
  ]
}

function rowLines(changes: readonly FieldChange[], { code, original }: Finding, style: Style): string[] {
  const [{ seq } = { seq: 0 }] = changes
  if (isOwnChange(changes)) return ownLines(changes, style)
  const [isPostgres, isMirror] = [changes.some(hasPostgres), changes.some(hasMirror)]
  if (changes.length >= ONE_COPY_FIELDS && !(isPostgres && isMirror)) return [onlyIn(seq, code, isPostgres)]
  const head = [`row ${seq}`, label('postgres', original), label('mirror', original)]
  const cells = changes.map(({ field, postgres, mirror }) => [field, ...sideBySide(postgres, mirror)])
  const [first = [], ...rest] = alignedRows([head, ...cells], style, INDENT)
  return [...first.map((line) => style.paint('head', line)), ...rest.flat()]
}

/** Returns whether the changes are those of an object against its own canonical bytes. */
export function isOwnChange(changes: readonly FieldChange[]): boolean {
  return changes.some(({ canonical }) => canonical !== undefined)
}

function ownLines(changes: readonly FieldChange[], style: Style): string[] {
  const [{ seq } = { seq: 0 }] = changes
  const head = [`row ${seq}`, "the object's own canonical bytes hold", 'its fields say']
  const cells = changes.map(({ field, canonical, mirror }) => [field, ...sideBySide(canonical, mirror)])
  const [first = [], ...rest] = alignedRows([head, ...cells], style, INDENT)
  return [
    ...first.map((line) => style.paint('head', line)),
    ...rest.flat(),
    ...indented(
      'the canonical bytes recompute to the entry_hash of the object; its fields are covered by no hash',
      style,
      INDENT,
    ),
  ]
}

function onlyIn(seq: number, code: Finding['code'], isPostgres: boolean): string {
  const copy = isPostgres ? 'PostgreSQL' : 'the mirror'
  return code.endsWith('_missing')
    ? `    row ${seq}: only ${copy} has it`
    : `    row ${seq}: only ${copy} can be read`
}

const hasPostgres = ({ postgres }: FieldChange): boolean => postgres !== undefined
const hasMirror = ({ mirror }: FieldChange): boolean => mirror !== undefined

function label(copy: 'postgres' | 'mirror', original: Finding['original']): string {
  if (original === undefined) return COPIES[copy]
  return copy === original
    ? `${COPIES[copy]}: original, its chain recomputes`
    : `${COPIES[copy]}: changed, its chain does not recompute`
}

/** Returns the rows of a finding and the rows around them, one on a line. The rows of the finding are marked, of two copies with the copy that a row was read from. */
export function contextLines(finding: Finding, areTwoCopies: boolean, style: Style): string[] {
  const { context = [], seqFrom, seqTo } = finding
  if (context.length === 0) return []
  const cells = context.map(({ copy, ...row }) =>
    contextCells(areTwoCopies ? { ...row, copy } : row, seqFrom <= row.seq && row.seq <= seqTo),
  )
  const { columns = Number.POSITIVE_INFINITY } = style
  const isWide = tableWidth(widthsOf(cells)) + CONTEXT_INDENT > columns
  const day = isWide ? commonDay(cells) : undefined
  const shown = isWide ? cells.map((row) => shortCells(row, day)) : cells
  const lines = alignedRows(shown, style, CONTEXT_INDENT, WHOLE)
  const on = day === undefined ? '' : ` on ${day} (UTC)`
  const what = isBeyondEnd(finding) ? 'the last rows that were read' : 'rows around it'
  return [`    ${what}${on}, oldest first:`, ...lines.flat()]
}

/** Returns whether a finding is about a row after the last one of the copy that was read. */
export function isBeyondEnd({ code, context = [], seqFrom }: Finding): boolean {
  const isAboutEnd = code === 'unexpected_head' || code === 'head_mismatch' || code === 'checkpoint_rollback'
  return isAboutEnd && context.length > 0 && context.every(({ seq }) => seq < seqFrom)
}

const [INDENT, CONTEXT_INDENT] = [4, 6]
/** The mark, the seq and the time of a row are not broken. */
const WHOLE = 3

/** The time without its fraction and zone, and no subject: the other fields say more about what happened. */
function shortCells(
  [mark = '', seq = '', time = '', _subject, ...rest]: readonly string[],
  day: string | undefined,
): string[] {
  return [mark, seq, time.slice(day === undefined ? 0 : 11, 19), ...rest]
}

/** Returns the day of all rows; undefined where it is not the same for all. */
function commonDay(rows: readonly (readonly string[])[]): string | undefined {
  const days = new Set(rows.map(([, , time = '']) => /^\d{4}-\d{2}-\d{2}(?=T)/.exec(time)?.[0]))
  const [day] = days
  return days.size === 1 ? day : undefined
}

function contextCells({ seq, check, copy, fields }: ContextRow, isMarked: boolean): string[] {
  return [
    isMarked ? '>' : ' ',
    String(seq),
    brief(fields.recorded_at),
    brief(fields.subject_pseudonym),
    brief(fields.relation),
    brief(fields.object),
    brief(fields.reason),
    ...(isMarked && copy !== undefined ? [`in ${COPIES[copy]}`] : []),
    ...(check === 'ok' ? [] : [check ?? 'not recomputed']),
  ]
}

/** Returns an untrusted value as one short safe text. */
function brief(value: FieldValue | undefined): string {
  const text = plain(value)
  const most = HASH.test(text) ? HASH_CHARACTERS : BRIEF_CHARACTERS
  return text.length <= most ? text : `${text.slice(0, most)}…`
}

/** Returns two values so short that both fit side by side, and so that the first difference can be seen. */
function sideBySide(one: FieldValue | undefined, other: FieldValue | undefined): [string, string] {
  const [left, right] = [plain(one), plain(other)]
  let from = 0
  while (from < left.length && left[from] === right[from]) from += 1
  return [cutAround(left, from), cutAround(right, from)]
}

/** Returns a text, or a part of it that shows the character `at`, with the length of the whole. */
function cutAround(text: string, at: number): string {
  if (HASH.test(text) && at < HASH_CHARACTERS) return `${text.slice(0, HASH_CHARACTERS)}…`
  if (text.length <= VALUE_CHARACTERS) return text
  const from = at < VALUE_CHARACTERS / 2 ? 0 : at - 8
  const to = from + VALUE_CHARACTERS
  const part = `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`
  return `${part} (${text.length.toLocaleString('en-US')} characters)`
}

function plain(value: FieldValue | undefined): string {
  if (value === undefined) return '-'
  const text = safeText(typeof value === 'object' ? JSON.stringify(value) : String(value))
  return text === '' ? '""' : text
}
