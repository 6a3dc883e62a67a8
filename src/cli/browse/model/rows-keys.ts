import type { Key } from './event.js'
import { listHeight } from './layout.js'
import type { Move } from './list-position.js'
import { isKey, movedIn, moveOf, openFindings, openRow, verify } from './navigation.js'
import { positionOf, wanted } from './row-window.js'
import { type Place, type RowsView, type State, started, withView } from './state.js'

export function rowsKey(state: State, view: RowsView, key: Key): State {
  const move = moveOf(key)
  if (move !== undefined) return movedRows(state, view, move)
  const row = view.window?.rows[view.position.selected]
  if (isKey(key, '/')) return { ...state, prompt: { kind: 'filter', text: view.filterText } }
  if (isKey(key, ':', '#')) return { ...state, prompt: { kind: 'jump', text: '' } }
  if (isKey(key, 'r'))
    return read(state, view, row === undefined ? { at: 'first' } : { at: 'around', seq: row.seq })
  if (isKey(key, 'v')) return verify(state, [view.domainId])
  if (isKey(key, 'f')) return openFindings(state, view.domainId)
  // Until the rows of a jump are here, the selected row is not the one that was asked for.
  if (isJumping(state)) return state
  if (isKey(key, 'enter', 'right', 'l') && row !== undefined) return openRow(state, view.domainId, row.seq)
  return state
}

function isJumping({ jobs }: State): boolean {
  const at = jobs.rows?.job.place.at
  return at !== undefined && at !== 'before' && at !== 'after'
}

/** Moves in the rows, and reads more of them near an end of the window. */
function movedRows(state: State, view: RowsView, move: Move): State {
  const { window } = view
  if (window === undefined) return state
  if (move === 'first' && window.hasBefore) return read(state, view, { at: 'first' })
  if (move === 'last' && window.hasAfter) return read(state, view, { at: 'last' })
  return topped(state, { ...view, position: movedIn(state, view, move) })
}

/** Shows a rows view, and reads the rows that it needs next, unless rows are being read. */
export function topped(state: State, view: RowsView): State {
  const shown = withView(state, view)
  const { window, position } = view
  const place = window && wanted({ window, position }, listHeight(state, view))
  return place === undefined || state.jobs.rows !== undefined ? shown : read(shown, view, place)
}

/** Begins to read the rows of a place. */
export function read(state: State, { domainId, filter }: RowsView, place: Place): State {
  return started(state, { kind: 'rows', domainId, filter, place })
}

/** Selects the row of a place, at once where the window has it. */
export function jumped(state: State, view: RowsView, place: Place): State {
  const { window, position } = view
  const isSeq = place.at === 'around' && window !== undefined
  const found = isSeq ? positionOf({ window, position }, place.seq, listHeight(state, view)) : undefined
  return found === undefined ? read(state, view, place) : topped(state, { ...view, position: found })
}
