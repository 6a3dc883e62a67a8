import { rowLength } from '../views/row-view.js'
import type { Key } from './event.js'
import { NO_FILTER } from './filter-line.js'
import { isKey, moveOf, openFindings, openRows, scrolled, verify } from './navigation.js'
import { type RowsView, type RowView, type State, started, withView } from './state.js'

export function rowKey(state: State, view: RowView, key: Key): State {
  const { domainId, seq, encoding } = view
  if (isKey(key, 'n', 'right', 'tab')) return step(state, view, 1)
  if (isKey(key, 'p', 'N', 'left')) return step(state, view, -1)
  if (isKey(key, 'e')) return withView(state, { ...view, encoding: encoding === 'hex' ? 'base64' : 'hex' })
  if (isKey(key, 'r')) return started(state, { kind: 'row', domainId, seq })
  if (isKey(key, 'v')) return verify(state, [domainId])
  if (isKey(key, 'f')) return openFindings(state, domainId)
  if (isKey(key, 'l')) return openRows(state, domainId, { at: 'around', seq }, NO_FILTER)
  if (isKey(key, ':', '#')) return { ...state, prompt: { kind: 'jump', text: '' } }
  const move = moveOf(key)
  if (move === undefined) return state
  return withView(state, { ...view, top: scrolled(state, view.top, move, rowLength(state, view)) })
}

/** Shows the row beside this one: in the list below where that has it, which a filter may have thinned; else by seq. */
function step(state: State, view: RowView, by: 1 | -1): State {
  const list = state.views.findLast(
    (one): one is RowsView => one.kind === 'rows' && one.domainId === view.domainId,
  )
  const rows = list?.window?.rows ?? []
  const at = rows.findIndex(({ seq }) => seq === view.seq)
  const seq = rows[at + by]?.seq ?? view.seq + by
  const isBeyond = at >= 0 && rows[at + by] === undefined
  if (seq < 1 || isBeyond)
    return {
      ...state,
      message: { text: `no row ${by > 0 ? 'after' : 'before'} this one in the list`, look: 'plain' },
    }
  const { copies: _old, ...same } = view
  return started(withView(state, { ...same, seq, top: 0 }), { kind: 'row', domainId: view.domainId, seq })
}
