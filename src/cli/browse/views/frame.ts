import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import { contentHeight, isTooSmall, MIN_SIZE } from '../model/layout.js'
import { type HelpView, type State, type View, viewOf } from '../model/state.js'
import { chainsLines } from './chains-view.js'
import { findingsLines } from './findings-view.js'
import { footerLines } from './footer.js'
import { helpLines } from './help.js'
import { cell, clip, EMPTY, fitted, type Line, line, shown, span, widthOf } from './lines.js'
import { rowLines } from './row-view.js'
import { rowsLines } from './rows-view.js'
import { stateText } from './state-text.js'

/** Returns exactly the lines of the screen, none wider than it. */
export function frameOf(state: State): Line[] {
  const { columns, rows } = state.size
  const lines = isTooSmall(state.size) ? tooSmall(state) : whole(state)
  const { isAscii } = state.glyphs
  const fit = lines.slice(0, rows).map((one) => fitted(one, columns, isAscii))
  return [...fit, ...new Array<Line>(Math.max(0, rows - fit.length)).fill(EMPTY)]
}

function tooSmall({ size }: State): Line[] {
  const { columns, rows } = MIN_SIZE
  return [
    line(`audit browse needs ${columns} columns and ${rows} rows`),
    line(`here are ${size.columns} and ${size.rows}; q leaves`),
  ]
}

function whole(state: State): Line[] {
  const view = viewOf(state)
  const height = contentHeight(state.size)
  const content = contentOf(state, view).slice(0, height)
  const filled = [...content, ...new Array<Line>(height - content.length).fill(EMPTY)]
  return [title(state), subtitle(state, view), ...filled, ...footerLines(state, view)]
}

function contentOf(state: State, view: View): Line[] {
  switch (view.kind) {
    case 'chains':
      return chainsLines(state, view)
    case 'rows':
      return rowsLines(state, view)
    case 'row':
      return rowLines(state, view)
    case 'findings':
      return findingsLines(state, view)
    case 'help':
      return helpLines(state.size.columns, state.glyphs).slice(view.top)
  }
}

/** Names the way to the keys that have no room on the screen. */
function helpTitle({ size, glyphs }: State, { top }: HelpView): Line {
  const below = helpLines(size.columns, glyphs).length - top - contentHeight(size)
  return line(span(' keys', 'strong'), span(below > 0 ? '  down shows more' : '', 'dim'))
}

const SOURCES = {
  postgres: 'PostgreSQL',
  mirror: 'mirror',
  both: 'PostgreSQL and mirror',
  bundle: 'bundle',
} as const

function title({ size, source, place, glyphs }: State): Line {
  const right = 'read only '
  const left = ` audit browse  ${SOURCES[source]}  ${shown(place, glyphs)}`
  const room = size.columns - widthOf(right) - 1
  return line(span(`${cell(clip(left, room, glyphs.isAscii), room)} ${right}`, 'bar'))
}

/** Says which chain is shown and what is known of it. */
function subtitle(state: State, view: View): Line {
  if (view.kind === 'help') return helpTitle(state, view)
  if (view.kind === 'chains') {
    const count = state.chains?.length
    return line(span(count === undefined ? ' reading the chains' : ` ${count} chains`, 'strong'))
  }
  const { domainId } = view
  const chain = state.chains?.find((one) => one.domainId === domainId)
  const name = domainId === PLATFORM_ANCHOR ? 'platform chain' : shown(chain?.name ?? '', state.glyphs)
  const id = domainId === PLATFORM_ANCHOR ? '' : `  ${domainId}`
  const room = Math.max(8, state.size.columns - id.length - 26)
  return line(
    span(` ${clip(name, room, state.glyphs.isAscii)}`, 'strong'),
    span(id, 'dim'),
    '  ',
    stateText(state, domainId),
  )
}
