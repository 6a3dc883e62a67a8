import { AuditError } from '../../../base/errors.js'
import { parseFilter, parseSeq } from '../../../query/list-query.js'
import { listParameters } from '../../query/flags.js'
import type { Key } from './event.js'
import { type LineFilter, parseFilterLine } from './filter-line.js'
import { START } from './list-position.js'
import { jumped, read } from './rows-keys.js'
import {
  type Place,
  type Prompt,
  type RowsView,
  type RowView,
  type State,
  started,
  stopped,
  viewOf,
  withView,
} from './state.js'

/** A longer line is no filter: the flags of `audit list` have limits of their own. */
const MAX_LENGTH = 1_000

export function promptKey(state: State, prompt: Prompt, key: Key): State {
  if ('char' in key) return typed(state, prompt, key.char)
  if (key.name === 'escape') return without(state)
  if (key.name === 'backspace') return edited(state, prompt, [...prompt.text].slice(0, -1).join(''))
  if (key.name === 'ctrl-u') return edited(state, prompt, '')
  return key.name === 'enter' ? entered(state, prompt) : state
}

function typed(state: State, prompt: Prompt, char: string): State {
  return prompt.text.length >= MAX_LENGTH ? state : edited(state, prompt, prompt.text + char)
}

function edited(state: State, { kind }: Prompt, text: string): State {
  return { ...state, prompt: { kind, text } }
}

function without(state: State): State {
  const { prompt: _closed, ...rest } = state
  return rest
}

/** Does what the line asks for, or keeps the line open with the reason why it was refused. */
function entered(state: State, prompt: Prompt): State {
  const view = viewOf(state)
  try {
    if (view.kind === 'rows') return enteredInRows(without(state), view, prompt)
    return view.kind === 'row' ? jumpInRow(without(state), view, prompt.text) : without(state)
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return { ...state, prompt: { ...prompt, problem: error.message } }
  }
}

function enteredInRows(state: State, view: RowsView, { kind, text }: Prompt): State {
  if (kind === 'jump') return text.trim() === '' ? state : jumped(state, view, placeOf(text))
  const filter = parseFilterLine(text)
  assertHeld(filter, state)
  const { domainId } = view
  const fresh: RowsView = { kind: 'rows', domainId, filter, filterText: text.trim(), position: START }
  return read(stopped(withView(state, fresh), 'timeline'), fresh, { at: 'first' })
}

function jumpInRow(state: State, view: RowView, text: string): State {
  const seq = parseSeq(text.trim())
  const { copies: _old, ...same } = view
  return started(withView(state, { ...same, seq, top: 0 }), { kind: 'row', domainId: view.domainId, seq })
}

/** Returns the place of a seq or a time. Throws `invalid_seq` and `invalid_range`. */
function placeOf(text: string): Place {
  const typed = text.trim()
  if (/^#?\d+$/.test(typed)) return { at: 'around', seq: parseSeq(typed.replace('#', '')) }
  const { from } = parseFilter(listParameters({ from: typed }))
  return from === undefined ? { at: 'first' } : { at: 'time', time: from }
}

/** Throws `usage` for a filter by what the copy does not hold. */
function assertHeld({ entry }: LineFilter, { source }: State): void {
  const isByEvent = (entry.eventFrom ?? entry.eventTo) !== undefined
  if (!isByEvent || source === 'postgres' || source === 'both') return
  throw new AuditError(
    'usage',
    `event-from and event-to need PostgreSQL: a ${source} does not hold the event's time`,
  )
}
