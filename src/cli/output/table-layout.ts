import { type DrawnColumn, drawn } from './draw-table.js'
import { indented, packed } from './fit-lines.js'
import { fitWidths, tableWidth } from './fit-widths.js'
import type { Screen } from './screen.js'
import { type ShortForm, shortened } from './short-text.js'
import type { Style } from './style.js'
import { brokenText, longestWord, textWidth } from './text-width.js'

/** How cells are called in the lines below their row. The columns of one group are on the same lines. */
export interface Below {
  readonly group: string
  readonly name: string
}

/** A column, and what may become of it. */
export interface FilledColumn extends DrawnColumn {
  readonly isNumeric: boolean
  readonly short?: ShortForm
  /** Columns are left out in this order, 1 first. */
  readonly drop?: number
  /** Whether texts of other columns are broken before this column is left out. */
  readonly dropLate?: boolean
  readonly below?: Below
}

/** A table as text, and the titles of the columns that it has no room for. */
export interface Table {
  readonly text: string
  readonly dropped: readonly string[]
}

interface Form {
  readonly columns: readonly FilledColumn[]
  readonly dropped: readonly string[]
}

/** The least width of a column whose cells are broken into lines. */
const LEAST = 8

/** Longer words may be broken. */
const LONG_WORD = 20

/**
 * Lays out a table. On a terminal it takes the first form that fits: whole, with short cells, with fewer columns, broken
 * where words end, with even fewer columns, and broken anywhere.
 */
export function fitted(columns: readonly FilledColumn[], screen: Screen, style: Style): Table {
  const lower = columns.filter(({ below }) => below !== undefined)
  if (lower.length > 0 && !hasRoom(columns, screen)) {
    const { columns: shown, dropped } = formFor(
      columns.filter(({ below }) => below === undefined),
      screen,
    )
    return { text: withBelow(shown, lower, screen, style), dropped }
  }
  const { columns: shown, dropped } = formFor(columns, screen)
  return { text: drawn(shown, style), dropped }
}

/** Returns whether all columns fit beside each other, in a short form at the least. */
function hasRoom(columns: readonly FilledColumn[], { columns: room, unicode }: Screen): boolean {
  if (room === undefined) return true
  const short = columns.map((column) => shortColumn(column, unicode ? '…' : '..'))
  return isWithin(short, room)
}

/** Draws a table with lines of other cells below each row. */
function withBelow(
  shown: readonly FilledColumn[],
  lower: readonly FilledColumn[],
  screen: Screen,
  style: Style,
): string {
  const lines = drawn(shown, style).split('\n')
  const heightOf = (texts: readonly string[]) => Math.max(1, ...texts.map((text) => text.split('\n').length))
  const rows = shown[0]?.texts.length ?? 0
  const text = lines.splice(0, heightOf(shown.map(({ title }) => title)))
  for (let row = 0; row < rows; row += 1) {
    text.push(...lines.splice(0, heightOf(shown.map(({ texts }) => texts[row] ?? ''))))
    text.push(...belowLines(lower, row, screen))
  }
  return text.join('\n')
}

function belowLines(lower: readonly FilledColumn[], row: number, screen: Screen): string[] {
  const groups = new Set(lower.map(({ below }) => below?.group ?? ''))
  return [...groups].flatMap((group) => {
    const parts = lower
      .filter(({ below, texts }) => below?.group === group && (texts[row] ?? '') !== '')
      .map(({ below, texts }) => `${below?.name ?? ''} ${texts[row] ?? ''}`)
    if (parts.length === 0) return []
    const [first = '', ...rest] = parts
    const lines = packed(
      [`${group}: ${first}`, ...rest],
      { columns: screen.columns && screen.columns - INDENT },
      2,
    )
    return lines.flatMap((line) => indented(line, screen, INDENT))
  })
}

/** The indent of the lines below a row. */
const INDENT = 4

function formFor(columns: readonly FilledColumn[], { columns: room, unicode }: Screen): Form {
  const whole = { columns, dropped: [] }
  if (room === undefined) return whole
  const cut = unicode ? '…' : '..'
  const short = columns.map((column) => shortColumn(column, cut))
  const early = dropForms(short, (column) => column.dropLate !== true)
  const late = dropForms(short, () => true).slice(early.length)
  const unbroken = [
    whole,
    { columns: columns.map((column) => digestColumn(column, cut)), dropped: [] },
    ...early,
  ]
  const first = unbroken.find((form) => isWithin(form.columns, room))
  if (first !== undefined) return first
  const breakable = [...early.slice(-1), ...late].map((form) => ({
    ...form,
    columns: brokenAtWords(form.columns, room),
  }))
  const second = breakable.find((form) => isWithin(form.columns, room))
  return second ?? lastForm([...early, ...late], room)
}

/** Breaks texts anywhere, and where that does not suffice, a time into its day and the time of the day. */
function lastForm(forms: readonly Form[], room: number): Form {
  const { columns, dropped } = forms.at(-1) ?? { columns: [], dropped: [] }
  const withTimes = narrowed(columns, room, leastAtLast)
  if (isWithin(withTimes, room)) return { columns: withTimes, dropped }
  const spaced = columns.map((column) =>
    column.short === 'time'
      ? { ...column, short: 'name' as const, texts: column.texts.map(dayAndTime) }
      : column,
  )
  return { columns: narrowed(spaced, room, leastAtLast), dropped }
}

function dayAndTime(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\d)T(?=[\d:.]+Z$)/, '$1 ')
}

function leastAtLast({ texts }: FilledColumn): number {
  return texts.some((text) => DAY.test(text)) ? DAY_WIDTH : LEAST
}

const DAY = /^\d{4}-\d\d-\d\d [\d:.]+Z$/
const DAY_WIDTH = 11

function shortColumn(column: FilledColumn, cut: string): FilledColumn {
  return { ...column, texts: shortened(column.texts, column.short, cut) }
}

/** Returns a column with short digests and excerpts, which are long and seldom read. */
function digestColumn(column: FilledColumn, cut: string): FilledColumn {
  return column.short === 'digest' || column.short === 'excerpt' ? shortColumn(column, cut) : column
}

/** Returns the table, and then the table with one column less each time. */
function dropForms(columns: readonly FilledColumn[], mayDrop: (column: FilledColumn) => boolean): Form[] {
  const order = columns.filter((column) => column.drop !== undefined && mayDrop(column)).sort(byDrop)
  return [undefined, ...order].map((_, count) => {
    const without = new Set(order.slice(0, count))
    return {
      columns: columns.filter((column) => !without.has(column)),
      // In the order of the table.
      dropped: columns.filter((column) => without.has(column)).map(({ title }) => title),
    }
  })
}

function byDrop(a: FilledColumn, b: FilledColumn): number {
  return Number(a.dropLate === true) - Number(b.dropLate === true) || (a.drop ?? 0) - (b.drop ?? 0)
}

function isWithin(columns: readonly FilledColumn[], room: number): boolean {
  return tableWidth(columns.map(naturalWidth)) <= room
}

function naturalWidth(column: FilledColumn): number {
  return widest(column, (text) => Math.max(...text.split('\n').map(textWidth)))
}

function brokenAtWords(columns: readonly FilledColumn[], room: number): FilledColumn[] {
  return narrowed(columns, room, (column) =>
    Math.min(LONG_WORD, Math.max(LEAST, widest(column, longestWord))),
  )
}

function widest({ title, texts }: FilledColumn, widthIn: (text: string) => number): number {
  return [title, ...texts].reduce((width, text) => Math.max(width, widthIn(text)), 0)
}

/** Ids, times and numbers stay on one line. */
function isBreakable({ short, isNumeric }: FilledColumn): boolean {
  return (short === undefined || short === 'name') && !isNumeric
}

/** Takes columns from the widest column of text, down to its least width, until the table fits. Breaks its cells into lines. */
function narrowed(
  columns: readonly FilledColumn[],
  room: number,
  leastOf: (column: FilledColumn) => number,
): FilledColumn[] {
  const least = columns.map((column) => (isBreakable(column) ? leastOf(column) : Number.POSITIVE_INFINITY))
  const widths = fitWidths(columns.map(naturalWidth), least, room)
  return columns.map((column, index) => {
    const width = widths[index] ?? LEAST
    const broken = (text: string) => brokenText(text, width).join('\n')
    return { ...column, title: broken(column.title), texts: column.texts.map(broken) }
  })
}
