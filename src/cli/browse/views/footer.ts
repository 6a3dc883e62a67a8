import type { LeftOutRows, RowsView, State, View } from '../model/state.js'
import { type Glyphs, type Line, line, type Span, shown, span } from './lines.js'
import { rowCheck } from './row-check.js'
import { countText } from './time-text.js'

/** Returns the two lines below the content: what is going on, and the keys. */
export function footerLines(state: State, view: View): [Line, Line] {
  return [statusLine(state, view), keysLine(state, view)]
}

function statusLine(state: State, view: View): Line {
  const { prompt, message, verifying, glyphs } = state
  if (prompt !== undefined) {
    const word = prompt.kind === 'filter' ? '/' : ':'
    return line(
      span(` ${word}`, 'strong'),
      shown(prompt.text, glyphs),
      span(glyphs.isAscii ? '_' : '█', 'strong'),
    )
  }
  if (message !== undefined) return line(span(` ${shown(message.text, glyphs)}`, message.look))
  if (verifying !== undefined) return verifyingLine(state)
  if (view.kind === 'rows') {
    const problem = problemLine(view, state)
    if (problem !== undefined) return problem
    if (view.leftOut !== undefined) return leftOutLine(view.leftOut, glyphs)
    if (view.filterText !== '') return line(span(' filter: ', 'dim'), shown(view.filterText, glyphs))
  }
  return line(span(' a verification from here does not quarantine', 'dim'))
}

function leftOutLine({ rows, first }: LeftOutRows, glyphs: Glyphs): Line {
  const count = rows === 1 ? '1 row' : `${countText(rows)} rows`
  return line(span(` left out: ${count}: ${shown(first, glyphs)}`, 'bad'))
}

/** Says what is wrong with the selected row; undefined where nothing is. */
function problemLine({ window, position }: RowsView, { glyphs, source }: State): Line | undefined {
  const row = window?.rows[position.selected]
  if (row?.onlyIn !== undefined)
    return line(span(` row ${row.seq} is in the ${row.onlyIn} only: PostgreSQL does not have it`, 'bad'))
  const check = row === undefined ? 'ok' : rowCheck(row)
  if (row === undefined || check === 'ok') return undefined
  if (row.problem !== undefined) return line(span(` row ${row.seq} ${shown(row.problem, glyphs)}`, 'bad'))
  if (check !== 'unlinked') return line(span(` row ${row.seq} ${WORDS[check]}`, 'bad'))
  const before = row.previous?.seq ?? row.seq - 1
  if (before >= row.seq - 1) return line(span(` row ${row.seq} does not link to row ${before}`, 'bad'))
  const [from, to] = [before + 1, row.seq - 1]
  return line(
    span(
      ` before it, ${from === to ? `row ${from} is` : `rows ${from} to ${to} are`} not in ${source === 'both' ? 'PostgreSQL' : 'this copy'}`,
      'bad',
    ),
  )
}

const WORDS = {
  damaged: 'does not recompute: enter shows its proof',
  unknown: 'is of a generation that this program cannot recompute',
} as const

const BAR = 20

function verifyingLine({ verifying, glyphs }: State): Line {
  const { rows = 0, total, queue = [] } = verifying ?? {}
  const of = total === undefined ? '' : ` of ${countText(total)}`
  const more = queue.length === 0 ? '' : `, ${queue.length} more chains`
  const full =
    total === undefined || total === 0 ? undefined : Math.min(BAR, Math.floor((rows * BAR) / total))
  const bar =
    full === undefined ? '' : ` ${(glyphs.bars.at(-1) ?? '#').repeat(full)}${glyphs.rule.repeat(BAR - full)}`
  return line(
    span(` verifying${bar} ${countText(rows)}${of} rows${more}`, 'warn'),
    span('   x cancels', 'dim'),
  )
}

type Hints = readonly (readonly [key: string, does: string])[]

const KEYS: { readonly [K in View['kind']]: Hints } = {
  chains: [
    ['enter', 'rows'],
    ['v', 'verify'],
    ['V', 'verify all'],
    ['f', 'findings'],
    ['r', 'read again'],
  ],
  rows: [
    ['enter', 'row'],
    ['/', 'filter'],
    [':', 'jump'],
    ['v', 'verify'],
    ['f', 'findings'],
    ['esc', 'back'],
  ],
  row: [
    ['n p', 'step'],
    ['e', 'encoding'],
    ['l', 'list'],
    ['v', 'verify'],
    ['f', 'findings'],
    ['esc', 'back'],
  ],
  findings: [
    ['enter', 'the row'],
    ['l', 'list around it'],
    ['v', 'verify again'],
    ['esc', 'back'],
  ],
  help: [['esc', 'back']],
}

function keysLine({ prompt, glyphs }: State, { kind }: View): Line {
  if (prompt?.problem !== undefined) return line(span(` ${shown(prompt.problem, glyphs)}`, 'bad'))
  if (prompt?.kind === 'filter')
    return line(
      span(' denied reason=NAME relation=NAME object=TYPE:ID from=TIME or any text; esc cancels', 'dim'),
    )
  if (prompt?.kind === 'jump')
    return line(span(' a seq, or a time such as 2026-11-29T12:00:00Z; esc cancels', 'dim'))
  const hints: Hints = [...KEYS[kind], ['?', 'keys'], ['q', 'leaves']]
  const spans = hints.flatMap(([key, does], index): Span[] => [
    span(index === 0 ? '' : '  '),
    span(key, 'key'),
    span(` ${does}`, 'dim'),
  ])
  return line(' ', ...spans)
}
