import { helpLines } from '../views/help.js'
import type { Key } from './event.js'
import { type LineFilter, NO_FILTER } from './filter-line.js'
import { contentHeight, listHeight } from './layout.js'
import { type ListPosition, type Move, moved, START } from './list-position.js'
import {
  type ChainsView,
  findingsOf,
  type HelpView,
  type JobKind,
  type Place,
  type RowsView,
  type State,
  started,
  stopped,
  type View,
  viewOf,
  withView,
} from './state.js'

/** The movement of a key, the same in all lists; undefined for other keys. */
export function moveOf(key: Key): Move | undefined {
  return 'name' in key ? MOVES[key.name] : MOVES[key.char]
}

const MOVES: Readonly<Record<string, Move>> = {
  up: 'up',
  k: 'up',
  down: 'down',
  j: 'down',
  'page-up': 'page-up',
  b: 'page-up',
  'page-down': 'page-down',
  ' ': 'page-down',
  home: 'first',
  g: 'first',
  end: 'last',
  G: 'last',
}

export function isKey(key: Key, ...texts: readonly string[]): boolean {
  return texts.includes('name' in key ? key.name : key.char)
}

export function quit(state: State): State {
  return { ...stopped(state, 'chains', 'ends', 'rows', 'timeline', 'row', 'verify'), isDone: true }
}

/** Returns how many items the list of a view has. */
export function inView(state: State, view: View): number {
  if (view.kind === 'chains') return state.chains?.length ?? 0
  if (view.kind === 'rows') return view.window?.rows.length ?? 0
  if (view.kind === 'findings') return findingsOf(state, view.domainId).length
  return 0
}

/** Moves in the list of a view. */
export function movedIn(
  state: State,
  view: { readonly position: ListPosition } & View,
  move: Move,
): ListPosition {
  return moved(view.position, move, inView(state, view), listHeight(state, view))
}

/** Opens a view over the visible one. */
export function opened(state: State, view: View): State {
  return { ...state, views: [...state.views, view] }
}

/** The jobs of the views: they end when their view is closed. */
const JOBS_OF: Readonly<Record<View['kind'], readonly JobKind[]>> = {
  chains: [],
  rows: ['rows', 'timeline'],
  row: ['row'],
  findings: [],
  help: [],
}

/** Closes the visible view. The first one stays open. */
export function back(state: State): State {
  if (state.views.length < 2) return { ...state, message: { text: 'q leaves', look: 'plain' } }
  const { kind } = viewOf(state)
  return withEnds({ ...stopped(state, ...JOBS_OF[kind]), views: state.views.slice(0, -1) })
}

/** Begins to read the ends of the chains where they are visible and not known. */
export function withEnds(state: State): State {
  const domainIds = (state.chains ?? []).map((chain) => chain.domainId).filter((id) => !state.ends.has(id))
  const isShown = viewOf(state).kind === 'chains'
  if (!isShown || domainIds.length === 0 || state.jobs.ends !== undefined) return state
  return started(state, { kind: 'ends', domainIds })
}

export function toggleHelp(state: State): State {
  return viewOf(state).kind === 'help' ? back(state) : opened(state, { kind: 'help', top: 0 })
}

/** Returns the first line of a text that is scrolled. */
export function scrolled(state: State, top: number, move: Move, lines: number): number {
  const height = contentHeight(state.size)
  const page = Math.max(1, height - 1)
  const to = {
    up: top - 1,
    down: top + 1,
    'page-up': top - page,
    'page-down': top + page,
    first: 0,
    last: lines,
  }
  return Math.max(0, Math.min(to[move], lines - height))
}

/** Opens the rows of a chain at a place. */
export function openRows(
  state: State,
  domainId: string,
  place: Place,
  filter: LineFilter = NO_FILTER,
): State {
  const view: RowsView = { kind: 'rows', domainId, filter, filterText: '', position: START }
  return started(opened(state, view), { kind: 'rows', domainId, filter, place })
}

/** Opens one row with its proof. */
export function openRow(state: State, domainId: string, seq: number): State {
  const view: View = { kind: 'row', domainId, seq, top: 0, encoding: 'hex' }
  return started(opened(state, view), { kind: 'row', domainId, seq })
}

/** Begins to verify chains, one after the other. */
export function verify(state: State, domainIds: readonly string[]): State {
  const [domainId, ...queue] = domainIds
  if (domainId === undefined) return state
  return started({ ...state, verifying: { domainId, rows: 0, queue } }, { kind: 'verify', domainId })
}

/** Opens the findings of a chain, or says why there are none. */
export function openFindings(state: State, domainId: string): State {
  const known = state.checked.get(domainId)
  if (findingsOf(state, domainId).length > 0)
    return opened(state, { kind: 'findings', domainId, position: START })
  const text =
    known === undefined ? 'not verified yet: v verifies this chain' : 'the verification found nothing'
  return { ...state, message: { text, look: 'plain' } }
}

export function chainsKey(state: State, view: ChainsView, key: Key): State {
  const move = moveOf(key)
  if (move !== undefined) return withView(state, { ...view, position: movedIn(state, view, move) })
  const chains = state.chains ?? []
  const chain = chains[view.position.selected]
  if (isKey(key, 'r')) return started({ ...state, ends: new Map() }, { kind: 'chains' })
  if (chain === undefined) return state
  if (isKey(key, 'enter', 'right', 'l')) return openRows(state, chain.domainId, { at: 'first' })
  if (isKey(key, 'v')) return verify(state, [chain.domainId])
  if (isKey(key, 'V'))
    return verify(
      state,
      chains.map(({ domainId }) => domainId),
    )
  if (isKey(key, 'f')) return openFindings(state, chain.domainId)
  return state
}

export function helpKey(state: State, view: HelpView, key: Key): State {
  const move = moveOf(key)
  if (move === undefined) return state
  return withView(state, {
    ...view,
    top: scrolled(state, view.top, move, helpLines(state.size.columns, state.glyphs).length),
  })
}
