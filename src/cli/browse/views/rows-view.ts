import { rowReason } from '../../../base/row-filter.js'
import type { ReadEntry } from '../../../ports/query.js'
import { listHeight } from '../model/layout.js'
import type { ListedRow, RowsView, State } from '../model/state.js'
import { cell, type Glyphs, type Line, type Look, line, right, shown, span, widthOf } from './lines.js'
import { type RowCheck, rowCheck } from './row-check.js'
import { timeText } from './time-text.js'
import { timelineLines } from './timeline-view.js'

export function rowsLines(state: State, view: RowsView): Line[] {
  const { window, position } = view
  const height = listHeight(state, view)
  if (window === undefined) return [line(span('  reading', 'dim'))]
  const visible = window.rows.slice(position.top, position.top + height)
  const columns = columnsOf(visible, state)
  const list =
    visible.length === 0
      ? [line(span(noRows(state, view), 'warn'))]
      : [
          head(columns),
          ...visible.map((row, index) =>
            rowLine(row, columns, state.glyphs, position.top + index === position.selected),
          ),
        ]
  const filled = [...list, ...new Array<Line>(Math.max(0, height + 1 - list.length)).fill(line())]
  return [...filled, ...timelineLines(state, view)]
}

function noRows({ jobs }: State, { filterText }: RowsView): string {
  if (jobs.rows !== undefined) return '  reading'
  return filterText === '' ? '  no rows' : '  no row matches the filter'
}

/** One column of the table: its text comes from {@link cellOf}. */
interface Column {
  readonly name: string
  readonly width: number
  readonly cellOf: (row: ListedRow, glyphs: Glyphs) => string
  readonly isNumber?: boolean
}

type Field = Omit<Column, 'width'> & { readonly max: number; readonly from: number }

/** The columns in the order of the screen. Those whose `from` is above the width of the screen are left out. */
const FIELDS: readonly Field[] = [
  { name: 'seq', max: 12, from: 0, isNumber: true, cellOf: ({ seq }) => String(seq) },
  { name: 'recorded_at (UTC)', max: 19, from: 0, cellOf: ({ recordedAt }) => timeText(recordedAt) },
  { name: 'reason', max: 21, from: 0, cellOf: reasonText },
  { name: 'relation', max: 34, from: 0, cellOf: ({ relation = '' }, glyphs) => shown(relation, glyphs) },
  {
    name: 'object',
    max: 70,
    from: 0,
    cellOf: ({ object, problem }, glyphs) => shown(object ?? problem ?? '', glyphs),
  },
  {
    name: 'subject',
    max: 12,
    from: 110,
    cellOf: ({ subjectPseudonym = '' }, glyphs) => shown(subjectPseudonym.slice(0, 12), glyphs),
  },
  {
    name: 'correlation_id',
    max: 36,
    from: 150,
    cellOf: ({ correlationId = '' }, glyphs) => shown(correlationId, glyphs),
  },
]

/** Says of a row that the first copy does not have where it is. */
const ONLY_IN: Field = {
  name: 'only in',
  max: 10,
  from: 0,
  cellOf: ({ onlyIn = '' }) => onlyIn,
}

export function reasonText({ reason }: ReadEntry): string {
  return rowReason(reason)
}

/** The pointer and the mark of the check. */
const MARKS = 4
const GAP = 2

/** Returns the columns with their widths: as wide as the visible texts need, and then the widest ones give way. */
function columnsOf(rows: readonly ListedRow[], { size, glyphs }: State): Column[] {
  const hasOther = rows.some(({ onlyIn }) => onlyIn !== undefined)
  const fields = (hasOther ? [...FIELDS.slice(0, 1), ONLY_IN, ...FIELDS.slice(1)] : FIELDS).filter(
    ({ from }) => size.columns >= from,
  )
  const widths = fields.map(({ name, max, cellOf }) =>
    Math.min(max, Math.max(widthOf(name), ...rows.map((row) => widthOf(cellOf(row, glyphs))))),
  )
  const room = size.columns - MARKS - GAP * (fields.length - 1)
  const shrunk = shrink(
    widths,
    fields.map(({ name }) => SHRINKS[name] ?? Number.POSITIVE_INFINITY),
    room,
  )
  return fields.map((field, index) => ({ ...field, width: shrunk[index] ?? 0 }))
}

/** The widths below which columns are not cut. Other columns are never cut. */
const SHRINKS: Readonly<Record<string, number>> = { reason: 9, relation: 12, object: 12, correlation_id: 10 }

function shrink(widths: readonly number[], least: readonly number[], room: number): number[] {
  const shrunk = [...widths]
  let over = shrunk.reduce((sum, width) => sum + width, 0) - room
  while (over > 0) {
    const spare = shrunk.map((width, index) => width - (least[index] ?? width))
    const at = spare.indexOf(Math.max(...spare))
    if ((spare[at] ?? 0) <= 0) break
    shrunk[at] = (shrunk[at] ?? 0) - 1
    over -= 1
  }
  return shrunk
}

function head(columns: readonly Column[]): Line {
  const names = columns.map(({ name, width, isNumber }) =>
    isNumber ? right(name, width) : cell(name, width),
  )
  return line(span(`${' '.repeat(MARKS)}${names.join(' '.repeat(GAP))}`, 'dim'))
}

const MARK_OF: {
  readonly [C in RowCheck]: readonly [keyof Glyphs & ('ok' | 'damaged' | 'unlinked' | 'unknown'), Look]
} = {
  ok: ['ok', 'good'],
  damaged: ['damaged', 'bad'],
  unlinked: ['unlinked', 'bad'],
  unknown: ['unknown', 'warn'],
}

function rowLine(row: ListedRow, columns: readonly Column[], glyphs: Glyphs, isSelected: boolean): Line {
  const check = rowCheck(row)
  const [glyph, look] = MARK_OF[check]
  const cells = columns.map(({ width, cellOf, isNumber }) => {
    const text = cellOf(row, glyphs)
    return isNumber ? right(text, width) : cell(text, width, glyphs.isAscii)
  })
  const isDenial = row.reason !== 1
  return {
    spans: [
      span(isSelected ? glyphs.pointer : ' ', 'strong'),
      span(` ${glyphs[glyph]} `, look),
      span(
        cells.join(' '.repeat(GAP)),
        row.onlyIn === undefined && (check === 'ok' || check === 'unknown')
          ? isDenial
            ? 'warn'
            : 'plain'
          : 'bad',
      ),
    ],
    marked: isSelected,
  }
}
