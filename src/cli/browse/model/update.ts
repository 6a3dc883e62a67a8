import { answered, failed } from './answers.js'
import type { BrowseEvent, Key } from './event.js'
import { findingsKey } from './findings-keys.js'
import { isTooSmall, listHeight } from './layout.js'
import { within } from './list-position.js'
import { back, chainsKey, helpKey, inView, quit, toggleHelp } from './navigation.js'
import { promptKey } from './prompt-keys.js'
import { rowKey } from './row-keys.js'
import { rowsKey } from './rows-keys.js'
import { type State, stopped, viewOf } from './state.js'

/** Returns the state after an event. Pure: what is to be read is in `jobs` of the state, and a runner does it. Never throws. */
export function update(state: State, event: BrowseEvent): State {
  switch (event.kind) {
    case 'key':
      return onKey(state, event.key)
    case 'resize':
      return resized({ ...state, size: event.size })
    case 'answer':
      return state.jobs[event.of]?.id === event.id ? answered(state, event.of, event.answer) : state
    case 'failed':
      return state.jobs[event.of]?.id === event.id ? failed(state, event.of, event.problem) : state
    case 'note':
      return { ...state, message: { text: event.text, look: 'plain' } }
  }
}

function onKey(state: State, key: Key): State {
  if ('name' in key && key.name === 'ctrl-c') return quit(state)
  if (isTooSmall(state.size)) return 'char' in key && key.char === 'q' ? quit(state) : state
  if (state.prompt !== undefined) return promptKey(state, state.prompt, key)
  const { message: _seen, ...fresh } = state
  return anywhere(fresh, key) ?? inVisible(fresh, key)
}

/** The keys that mean the same in every view. */
function anywhere(state: State, key: Key): State | undefined {
  if ('name' in key) return key.name === 'escape' ? back(state) : undefined
  if (key.char === 'q') return quit(state)
  if (key.char === '?') return toggleHelp(state)
  if (key.char === 'x' && state.verifying !== undefined) return cancelled(state)
  return undefined
}

function cancelled(state: State): State {
  const { verifying, ...rest } = stopped(state, 'verify')
  const text = `verification cancelled after ${verifying?.rows ?? 0} rows: this is no verdict`
  return { ...rest, message: { text, look: 'warn' } }
}

function inVisible(state: State, key: Key): State {
  const view = viewOf(state)
  switch (view.kind) {
    case 'chains':
      return chainsKey(state, view, key)
    case 'rows':
      return rowsKey(state, view, key)
    case 'row':
      return rowKey(state, view, key)
    case 'findings':
      return findingsKey(state, view, key)
    case 'help':
      return helpKey(state, view, key)
  }
}

/** Keeps the selected items on the screen. */
function resized(state: State): State {
  const views = state.views.map((view) => {
    if (!('position' in view)) return view
    return { ...view, position: within(view.position, inView(state, view), listHeight(state, view)) }
  })
  return { ...state, views }
}
