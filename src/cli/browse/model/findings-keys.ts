import type { Key } from './event.js'
import { isKey, movedIn, moveOf, openRow, openRows, verify } from './navigation.js'
import { type FindingsView, findingsOf, type State, withView } from './state.js'

export function findingsKey(state: State, view: FindingsView, key: Key): State {
  const move = moveOf(key)
  if (move !== undefined) return withView(state, { ...view, position: movedIn(state, view, move) })
  const finding = findingsOf(state, view.domainId)[view.position.selected]
  if (isKey(key, 'v')) return verify(state, [view.domainId])
  if (finding === undefined) return state
  const seq = Math.max(1, finding.seqFrom)
  if (isKey(key, 'enter', 'right')) return openRow(state, view.domainId, seq)
  if (isKey(key, 'l')) return openRows(state, view.domainId, { at: 'around', seq })
  return state
}
