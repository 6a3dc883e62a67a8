import type { EndProof } from '../../../verify/verdict.js'
import type { Answer } from './event.js'
import { listHeight } from './layout.js'
import { within } from './list-position.js'
import { inView, verify, withEnds } from './navigation.js'
import { merged } from './row-window.js'
import { topped } from './rows-keys.js'
import {
  type Checked,
  type JobKind,
  type Problem,
  type RowsView,
  type State,
  started,
  stopped,
  type View,
  viewOf,
} from './state.js'

/** Returns the state after an answer of a job that still runs. */
export function answered(state: State, of: JobKind, answer: Answer): State {
  switch (answer.kind) {
    case 'chains':
      return withChains(stopped(state, of), answer)
    case 'end': {
      const ends = new Map([...state.ends, [answer.domainId, answer.end]])
      return { ...(answer.isLast ? stopped(state, of) : state), ends }
    }
    case 'rows':
      return withRows(state, answer.read)
    case 'timeline': {
      const { timeline } = answer
      return inRows(timeline.isComplete ? stopped(state, of) : state, (view) => ({ ...view, timeline }))
    }
    case 'left-out': {
      const { leftOut } = answer
      return inRows(state, (view) => ({ ...view, leftOut }))
    }
    case 'row':
      return inLast(stopped(state, of), 'row', (view) => ({ ...view, copies: answer.copies }))
    case 'progress': {
      const { rows, total } = answer
      return state.verifying === undefined
        ? state
        : { ...state, verifying: { ...state.verifying, rows, total } }
    }
    case 'checked':
      return withChecked(stopped(state, of), answer.checked)
  }
}

/** Returns the state after a job could not be done. What is on the screen stays. */
export function failed(state: State, of: JobKind, { message, hint }: Problem): State {
  const text = hint === undefined ? message : `${message}; ${hint}`
  const { verifying, ...rest } = stopped(state, of)
  const kept = of === 'verify' || verifying === undefined ? rest : { ...rest, verifying }
  return { ...kept, message: { text, look: 'bad' } }
}

function withChains(state: State, { chains, doubts }: Extract<Answer, { kind: 'chains' }>): State {
  const views = state.views.map((view) =>
    view.kind === 'chains'
      ? { ...view, position: within(view.position, chains.length, listHeight(state, view)) }
      : view,
  )
  const [doubt] = doubts
  const message = doubt === undefined ? state.message : { text: doubt.message, look: 'warn' as const }
  return withEnds({ ...state, chains, views, message })
}

function withRows(state: State, read: Extract<Answer, { kind: 'rows' }>['read']): State {
  const place = state.jobs.rows?.job.place
  const ended = stopped(state, 'rows')
  if (place === undefined) return ended
  const shown = inRows(ended, (view) => {
    const before = view.window && { window: view.window, position: view.position }
    return { ...view, ...merged(before, place, read, listHeight(ended, view)) }
  })
  const view = viewOf(shown)
  if (view.kind !== 'rows') return shown
  return topped(followed(shown, view), view)
}

/** Begins what can wait until the first rows are shown: the timeline, and the names of the chains. */
function followed(state: State, { domainId, filter, timeline }: RowsView): State {
  const counts = timeline === undefined && state.jobs.timeline === undefined
  const counting = counts ? started(state, { kind: 'timeline', domainId, filter }) : state
  const names = state.chains === undefined && state.jobs.chains === undefined
  return names ? started(counting, { kind: 'chains' }) : counting
}

function withChecked(state: State, checked: Checked): State {
  const { verifying, ...rest } = state
  if (verifying === undefined) return state
  const { domainId, queue } = verifying
  const known: State = {
    ...rest,
    checked: new Map([...state.checked, [domainId, checked]]),
    message: messageOf(checked),
  }
  const views = known.views.map((view) =>
    view.kind === 'findings'
      ? { ...view, position: within(view.position, inView(known, view), listHeight(known, view)) }
      : view,
  )
  return verify({ ...known, views }, queue)
}

/** What shows that no rows after the last one were removed. */
const ENDS: { readonly [E in EndProof]: string } = {
  head: 'the head row of this database agrees',
  pinned: 'the last row is pinned',
  unproven: 'whether newer rows were removed is not shown',
}

function messageOf(checked: Checked): State['message'] {
  if (checked.kind === 'unproven') return { text: `not proven: ${checked.problem.message}`, look: 'warn' }
  const { ok, end, segmentTo, findings, signatures } = checked.verdict
  const [doubt] = checked.doubts
  if (ok && doubt !== undefined)
    return { text: `not proven, and no finding up to row ${segmentTo}: ${doubt.message}`, look: 'warn' }
  const through = signatures?.through?.throughSeq
  const signed = through === undefined ? '' : `; signed through row ${through}`
  if (ok)
    return {
      text: `intact up to row ${segmentTo}${signed}; ${ENDS[end]}`,
      look: end === 'unproven' ? 'warn' : 'good',
    }
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`
  return { text: `DIVERGED: ${count}; f shows them`, look: 'bad' }
}

function inRows(state: State, change: (view: RowsView) => RowsView): State {
  return inLast(state, 'rows', change)
}

/** Changes the last view of a kind. */
function inLast<K extends View['kind']>(
  state: State,
  kind: K,
  change: (view: Extract<View, { kind: K }>) => View,
): State {
  const at = state.views.findLastIndex((view) => view.kind === kind)
  const views = state.views.map((view, index) =>
    index === at ? change(view as Extract<View, { kind: K }>) : view,
  )
  return { ...state, views }
}
