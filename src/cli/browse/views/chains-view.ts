import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import { shortened } from '../../output/short-text.js'
import { listHeight } from '../model/layout.js'
import type { Chain, ChainsView, State } from '../model/state.js'
import { cell, type Glyphs, type Line, line, right, shown, span, widthOf } from './lines.js'
import { stateText } from './state-text.js'
import { countText, timeText } from './time-text.js'

/** The width of the state of a chain. */
const STATE = 16

export function chainsLines(state: State, view: ChainsView): Line[] {
  const { chains } = state
  if (chains === undefined) return [line(span('  reading', 'dim'))]
  if (chains.length === 0) return [line(span('  there is no chain here', 'warn'))]
  const { top, selected } = view.position
  const ids = idsOf(chains, state)
  const widths = widthsOf(state.size.columns, ids)
  const visible = chains.slice(top, top + listHeight(state, view))
  return [
    headOf(widths),
    ...visible.map((chain, index) =>
      chainLine(state, chain, ids[top + index] ?? '', widths, top + index === selected),
    ),
  ]
}

interface Widths {
  readonly name: number
  readonly id: number
}

/** The width of a time to the second. */
const TIME = 19

/** The columns of a line besides name and id. */
const OTHERS = 37 + STATE

/** Returns the ids: whole where they have room, otherwise so that no two of them look alike. */
function idsOf(chains: readonly Chain[], { size, glyphs }: State): readonly string[] {
  const ids = chains.map(({ domainId }) => domainId)
  if (size.columns - OTHERS >= 36 + 14) return ids
  const cut = glyphs.isAscii ? '..' : '…'
  // The room of a mark at the end is the name's.
  return shortened(ids, 'id', cut).map((id) => (id.endsWith(cut) ? id.slice(0, -cut.length) : id))
}

function widthsOf(columns: number, ids: readonly string[]): Widths {
  const id = Math.max(8, ...ids.map(widthOf))
  return { id, name: Math.min(40, Math.max(6, columns - OTHERS - id)) }
}

function headOf({ name, id }: Widths): Line {
  const times = `${right('rows', 9)}  ${cell('last recorded (UTC)', TIME)}`
  return line(span(`   ${cell('chain', name)}  ${cell('id', id)} ${times} state`, 'dim'))
}

function chainLine(
  state: State,
  chain: Chain,
  shortId: string,
  { name, id }: Widths,
  isSelected: boolean,
): Line {
  const { glyphs, ends } = state
  const end = ends.get(chain.domainId)
  const rows = end === undefined ? '.' : countText(end.lastSeq)
  const times = `${right(rows, 9)}  ${cell(timeText(end?.lastRecorded), TIME)}`
  return {
    spans: [
      span(isSelected ? ` ${glyphs.pointer} ` : '   ', 'strong'),
      span(cell(nameOf(chain, glyphs), name, glyphs.isAscii), 'strong'),
      span(`  ${cell(shortId, id)} ${times} `),
      stateText(state, chain.domainId),
    ],
    marked: isSelected,
  }
}

function nameOf({ domainId, name }: Chain, glyphs: Glyphs): string {
  return domainId === PLATFORM_ANCHOR ? 'platform chain' : shown(name ?? '', glyphs)
}
