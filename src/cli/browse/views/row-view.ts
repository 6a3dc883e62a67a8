import { wireTime } from '../../../base/wire-time.js'
import type { ReadEntry } from '../../../ports/query.js'
import type { RowCopy, RowView, State } from '../model/state.js'
import { cell, type Glyphs, type Line, line, type Span, shown, span, wrapped } from './lines.js'
import { rowCheck } from './row-check.js'
import { reasonText } from './rows-view.js'

/** Returns how many lines the row takes, to scroll in them. */
export function rowLength(state: State, view: RowView): number {
  return allLines(state, view).length
}

export function rowLines(state: State, view: RowView): Line[] {
  return allLines(state, view).slice(view.top)
}

function allLines(state: State, view: RowView): Line[] {
  const { copies, seq } = view
  const title = line(span(` row ${seq}`, 'strong'))
  if (copies === undefined) return [title, line(span('  reading', 'dim'))]
  const verdicts = copies.map((copy) => verdictLine(copy, seq, state.glyphs))
  const fields = FIELDS.flatMap((field) => fieldLines(field, copies, state, view))
  return [
    title,
    ...verdicts,
    ...comparison(copies, view, state.glyphs),
    line(),
    ...copyHeads(copies, state),
    ...fields,
  ]
}

const NAMES = { postgres: 'PostgreSQL', mirror: 'the mirror', bundle: 'the bundle' } as const

function verdictLine({ copy, rows, problem, unread }: RowCopy, seq: number, glyphs: Glyphs): Line {
  const say = (mark: string, text: string, look: 'good' | 'bad' | 'warn') =>
    line(span(`  ${mark} ${NAMES[copy]} `, look), span(text, look))
  if (unread !== undefined)
    return say(glyphs.unknown, `cannot be read: ${shown(unread.message, glyphs)}`, 'warn')
  const [row] = rows
  if (row === undefined) return say(glyphs.damaged, `has no row ${seq}`, 'bad')
  if (problem !== undefined) return say(glyphs.damaged, shown(problem, glyphs), 'bad')
  return say(...LINKS[rowCheck(row)](row, glyphs))
}

type Said = readonly [mark: string, text: string, look: 'good' | 'bad' | 'warn']

const LINKS: { readonly [C in ReturnType<typeof rowCheck>]: (row: ReadEntry, glyphs: Glyphs) => Said } = {
  ok: ({ seq, previous }, { ok }) => {
    if (previous === undefined) return [ok, 'recomputes; the row before is not in this copy', 'good']
    return [
      ok,
      seq === 1 ? 'recomputes: the first row' : `recomputes, and links to row ${previous.seq}`,
      'good',
    ]
  },
  unlinked: ({ previous, seq }, { unlinked }) => {
    const gap = previous !== undefined && previous.seq !== seq - 1
    const why = gap
      ? `the row stored before it is ${previous.seq}`
      : `its prev_hash is not the entry_hash of row ${seq - 1}`
    return [unlinked, `recomputes, and DOES NOT LINK: ${why}`, 'bad']
  },
  damaged: (_row, { damaged }) => [damaged, 'DOES NOT RECOMPUTE', 'bad'],
  unknown: (_row, { unknown }) => [unknown, 'is of a generation that this program cannot recompute', 'warn'],
}

/** Names the fields in which two copies differ. */
function comparison(copies: readonly RowCopy[], view: RowView, glyphs: Glyphs): Line[] {
  const [left, right] = copies
  if (left?.rows[0] === undefined || right?.rows[0] === undefined) return []
  const differing = FIELDS.filter(
    (field) => field.name !== CANONICAL && field.isHashed && differs(field, copies, view),
  ).map(({ name }) => name)
  // A damaged row may claim the same fields.
  if (differing.length === 0 && copies.some(({ problem }) => problem !== undefined)) return []
  if (differing.length === 0) return [line(span(`  ${glyphs.ok} the two copies are the same`, 'good'))]
  return [line(span(`  ${glyphs.differs} the copies differ: ${differing.join(', ')}`, 'bad'))]
}

/** One field of a row. A field that is not hashed is in PostgreSQL only, and nothing proves it. */
interface Field {
  readonly name: string
  readonly isHashed: boolean
  readonly textOf: (row: ReadEntry, copy: RowCopy, view: RowView) => string | undefined
}

const hashed = (name: string, textOf: Field['textOf']): Field => ({ name, isHashed: true, textOf })
const beside = (name: string, textOf: Field['textOf']): Field => ({ name, isHashed: false, textOf })
const timeOf = (time: ReadEntry['recordedAt']) => (time === undefined ? undefined : wireTime(time))

/** The bytes follow from the other fields, so a difference in them alone is not listed. */
const CANONICAL = 'canonical'

const FIELDS: readonly Field[] = [
  hashed('recorded_at', ({ recordedAt }) => timeOf(recordedAt)),
  hashed('reason', reasonText),
  hashed('relation', ({ relation }) => relation),
  hashed('object', ({ object }) => object),
  hashed('subject', ({ subjectPseudonym }) => subjectPseudonym),
  hashed('relation_path', ({ relationPath }) => relationPath && JSON.stringify(relationPath)),
  hashed('caveat_context', ({ caveatContext }) => caveatContext && JSON.stringify(caveatContext)),
  hashed('correlation_id', ({ correlationId }) => correlationId),
  hashed('zedtoken', ({ zedtoken }) => zedtoken),
  hashed('prev_hash', ({ prevHash }) => prevHash),
  hashed('entry_hash', ({ entryHash }) => entryHash),
  hashed(CANONICAL, (_row, { canonicalBytes }, { encoding }) =>
    canonicalBytes === undefined || canonicalBytes.length === 0
      ? undefined
      : Buffer.from(canonicalBytes).toString(encoding),
  ),
  beside('event_time', ({ eventTime }) => timeOf(eventTime)),
  beside('identity_id', ({ identityId }) => identityId),
  beside('ip', ({ ip }) => ip),
  beside('user_agent', ({ userAgent }) => userAgent),
  beside('metadata', ({ metadata }) => metadata),
  beside('archived_at', ({ archivedAt }) => timeOf(archivedAt)),
  beside('archive_etag', ({ archiveEtag }) => archiveEtag),
]

/** The columns for the names of fields. */
const NAME = 18

function widthOfCopy(copies: readonly RowCopy[], columns: number): number {
  return Math.floor((columns - NAME - 2 * copies.length) / Math.max(1, copies.length))
}

function copyHeads(copies: readonly RowCopy[], { size }: State): Line[] {
  if (copies.length < 2) return []
  const width = widthOfCopy(copies, size.columns)
  const heads = copies.map(({ copy }) => cell(NAMES[copy], width)).join('  ')
  return [line(span(`${' '.repeat(NAME)}${heads}`, 'dim'))]
}

function textsOf(field: Field, copies: readonly RowCopy[], view: RowView): (string | undefined)[] {
  return copies.map((copy) =>
    copy.rows[0] === undefined ? undefined : field.textOf(copy.rows[0], copy, view),
  )
}

function differs(field: Field, copies: readonly RowCopy[], view: RowView): boolean {
  return new Set(textsOf(field, copies, view)).size > 1
}

const HASH = /^[0-9a-f]{64}$/

/** Breaks a value into lines. A hash that needs two lines is broken in its middle. */
function valueLines(text: string, width: number): string[] {
  return wrapped(text, HASH.test(text) && width < 64 ? Math.min(width, 32) : width)
}

function fieldLines(
  field: Field,
  copies: readonly RowCopy[],
  { size, glyphs }: State,
  view: RowView,
): Line[] {
  const texts = textsOf(field, copies, view)
  if (texts.every((text) => text === undefined || text === '')) return []
  const isDifferent = field.isHashed && copies.length > 1 && differs(field, copies, view)
  const width = widthOfCopy(copies, size.columns)
  const cells = texts.map((text) => valueLines(text === undefined ? '' : shown(text, glyphs), width))
  const height = Math.max(...cells.map(({ length }) => length))
  const mark = isDifferent ? glyphs.differs : field.isHashed ? ' ' : '~'
  return Array.from({ length: height }, (_, index) => {
    const name: Span =
      index === 0
        ? span(` ${mark} ${cell(field.name, NAME - 3)}`, isDifferent ? 'bad' : 'key')
        : span(' '.repeat(NAME))
    const values = cells.map((one) => cell(one[index] ?? '', width)).join('  ')
    return line(name, span(values, isDifferent ? 'bad' : field.isHashed ? 'plain' : 'dim'))
  })
}
