import { type ListPosition, START, within } from './list-position.js'
import type { ListedRow, Place, RowWindow } from './state.js'

/** Rows of a chain as they were read for a place, ascending by seq. */
export interface ReadRows {
  readonly rows: readonly ListedRow[]
  /** Whether more rows follow in the direction that was read; for a place within the chain, in each direction. */
  readonly hasBefore: boolean
  readonly hasAfter: boolean
  /** The row to select, or the first one after it. */
  readonly select?: number | undefined
}

/** Rows that are kept in memory. Rows far from the selected one are read again when they are needed. */
const MAX_ROWS = 2_000

interface Placed {
  readonly window: RowWindow
  readonly position: ListPosition
}

/** Returns the window with the rows that were read for `place`, and the position in it. */
export function merged(before: Placed | undefined, place: Place, read: ReadRows, height: number): Placed {
  if (before === undefined || (place.at !== 'before' && place.at !== 'after'))
    return replaced(place, read, height)
  return place.at === 'after' ? appended(before, read, height) : prepended(before, read, height)
}

function replaced(place: Place, { rows, hasBefore, hasAfter, select }: ReadRows, height: number): Placed {
  const window = { rows, hasBefore, hasAfter }
  if (place.at === 'last') return { window, position: at(rows.length - 1, rows.length, height) }
  if (select === undefined) return { window, position: START }
  const found = rows.findIndex(({ seq }) => seq >= select)
  const selected = found < 0 ? rows.length - 1 : found
  const top = selected - Math.floor(height / 2)
  return { window, position: within({ selected, top }, rows.length, height) }
}

function appended({ window, position }: Placed, read: ReadRows, height: number): Placed {
  const all = [...window.rows, ...read.rows]
  const dropped = Math.min(Math.max(0, all.length - MAX_ROWS), position.top)
  const rows = all.slice(dropped)
  return {
    window: { rows, hasBefore: window.hasBefore || dropped > 0, hasAfter: read.hasAfter },
    position: shifted(position, -dropped, rows.length, height),
  }
}

function prepended({ window, position }: Placed, read: ReadRows, height: number): Placed {
  const all = [...read.rows, ...window.rows]
  const moved = { selected: position.selected + read.rows.length, top: position.top + read.rows.length }
  const most = Math.max(MAX_ROWS, moved.top + height)
  return {
    window: {
      rows: all.slice(0, most),
      hasBefore: read.hasBefore,
      hasAfter: window.hasAfter || all.length > most,
    },
    position: within(moved, Math.min(all.length, most), height),
  }
}

function shifted({ selected, top }: ListPosition, by: number, count: number, height: number): ListPosition {
  return within({ selected: selected + by, top: top + by }, count, height)
}

function at(selected: number, count: number, height: number): ListPosition {
  return within({ selected, top: selected }, count, height)
}

/** Returns the position of a seq that the window surely shows: its row, or the first one after it. Undefined: read first. */
export function positionOf(
  { window, position }: Placed,
  seq: number,
  height: number,
): ListPosition | undefined {
  const { rows } = window
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined || seq < first.seq || seq > last.seq) return undefined
  const selected = rows.findIndex((row) => row.seq >= seq)
  const isVisible = selected >= position.top && selected < position.top + height
  const top = isVisible ? position.top : selected - Math.floor(height / 2)
  return within({ selected, top }, rows.length, height)
}

/** Returns the place to read next, where the selected row is near an end of the window and more rows may follow. */
export function wanted({ window, position }: Placed, height: number): Place | undefined {
  const { rows, hasBefore, hasAfter } = window
  const [first, last] = [rows[0], rows.at(-1)]
  if (hasAfter && last !== undefined && position.selected + height >= rows.length - 1)
    return { at: 'after', seq: last.seq }
  if (hasBefore && first !== undefined && position.selected - height <= 0)
    return { at: 'before', seq: first.seq }
  return undefined
}
