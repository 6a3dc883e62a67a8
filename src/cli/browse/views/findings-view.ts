import type { ContextRow, FieldChange, FieldValue } from '../../../chain/evidence/finding-evidence.js'
import type { Finding } from '../../../chain/finding.js'
import { wireFinding } from '../../../json/finding.js'
import { logWords, namesWords } from '../../shell/given-log.js'
import { contentHeight, listHeight } from '../model/layout.js'
import { type FindingsView, findingsOf, type State } from '../model/state.js'
import { cell, folded, type Glyphs, type Line, line, right, shown, span, wrapped } from './lines.js'

/** The list of the findings, and below it the selected finding with all that is known of it. */
export function findingsLines(state: State, view: FindingsView): Line[] {
  const findings = findingsOf(state, view.domainId)
  const { top, selected } = view.position
  const height = listHeight(state, view)
  const list = findings
    .slice(top, top + height)
    .map((finding, index) => itemLine(finding, state.glyphs, top + index === selected))
  const finding = findings[selected]
  if (finding === undefined) return [line(span('  no findings', 'dim'))]
  const count = ` finding ${selected + 1} of ${findings.length} `
  const rule = state.glyphs.rule.repeat(Math.max(0, state.size.columns - count.length - 1))
  const detail = detailLines(finding, state).slice(0, contentHeight(state.size) - list.length - 1)
  return [...list, line(span(`${state.glyphs.rule}${count}${rule}`, 'dim')), ...detail]
}

function placeOf({ seqFrom, seqTo }: Finding): string {
  return seqFrom === seqTo ? `row ${seqFrom}` : `rows ${seqFrom} to ${seqTo}`
}

function itemLine(finding: Finding, glyphs: Glyphs, isSelected: boolean): Line {
  const pointer = isSelected ? glyphs.pointer : ' '
  const { code, detail } = finding
  return {
    spans: [
      span(` ${pointer} `, 'strong'),
      span(`${cell(code, 19)}  ${cell(placeOf(finding), 16)}  ${shown(detail, glyphs)}`, 'bad'),
    ],
    marked: isSelected,
  }
}

function detailLines(finding: Finding, state: State): Line[] {
  const { expected, observed, detail } = wireFinding(finding)
  const { size, glyphs } = state
  const text = folded(shown(detail, glyphs), size.columns - 4).map((part) => line(span(`   ${part}`, 'bad')))
  return [
    ...text,
    ...(expected === undefined ? [] : [line(span('   expected  ', 'key'), expected)]),
    ...(observed === undefined ? [] : [line(span('   observed  ', 'key'), observed)]),
    ...changeLines(finding, state),
    ...contextLines(finding, state),
    ...oneCopyLines(finding, state),
  ]
}

const NAMES = { postgres: 'PostgreSQL', mirror: 'the mirror' } as const
/** The columns for the names of fields, with the seq before them. */
const NAME = 30

/** The fields in which the copies differ, original and forged value side by side. */
function changeLines({ changes, rowsChanged = 0, original }: Finding, { size, glyphs }: State): Line[] {
  if (changes === undefined || changes.length === 0) return []
  const width = Math.floor((size.columns - NAME - 2) / 2)
  const isOwn = changes.some(({ canonical }) => canonical !== undefined)
  const heads = isOwn ? ['its canonical bytes hold', 'its fields say'] : [NAMES.postgres, NAMES.mirror]
  const copies = heads.map((name) => cell(name, width)).join('  ')
  const more = rowsChanged - new Set(changes.map(({ seq }) => seq)).size
  return [
    line(span(`   ${cell('changed', NAME - 3)}${copies}`, 'dim')),
    ...changes.flatMap((change) => changed(change, width, glyphs)),
    ...(more > 0 ? [line(span(`   ${more} more rows differ`, 'dim'))] : []),
    ...(original === undefined
      ? []
      : [line(span(`   ${glyphs.ok} ${NAMES[original]} is intact here: it has the original`, 'good'))]),
  ]
}

function changed(
  { seq, field, postgres, mirror, canonical }: FieldChange,
  width: number,
  glyphs: Glyphs,
): Line[] {
  const values = [canonical ?? postgres, mirror].map((value) =>
    wrapped(shown(valueText(value), glyphs), width),
  )
  const height = Math.max(...values.map(({ length }) => length))
  return Array.from({ length: height }, (_, index) => {
    const name = index === 0 ? ` ${glyphs.differs} ${right(String(seq), 8)} ${field}` : ''
    const cells = values.map((one) => cell(one[index] ?? '', width)).join('  ')
    return line(span(cell(name, NAME), 'key'), span(cells, 'bad'))
  })
}

function valueText(value: FieldValue | undefined): string {
  if (value === undefined) return '(none)'
  // A list as JSON: ["a, b"] and ["a", "b"] must not look alike.
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The rows of the finding and the rows beside them. On a narrow screen, the day of all of them is in the heading. */
function contextLines({ context, seqFrom, seqTo }: Finding, state: State): Line[] {
  if (context === undefined || context.length === 0) return []
  const days = new Set(context.map(({ fields }) => valueText(fields.recorded_at).slice(0, 10)))
  const [day = ''] = days
  const isShort = state.size.columns < WIDE && days.size === 1
  return [
    line(span(`   rows around${isShort ? ` on ${shown(day, state.glyphs)} (UTC)` : ''}`, 'dim')),
    ...context.flatMap((row) =>
      contextRow(row, { isFound: row.seq >= seqFrom && row.seq <= seqTo, isShort }, state),
    ),
  ]
}

/** From this width on, each row has its day. */
const WIDE = 110

function contextRow(
  { seq, copy, check, fields }: ContextRow,
  { isFound, isShort }: { readonly isFound: boolean; readonly isShort: boolean },
  { glyphs, size, source }: State,
): Line[] {
  const { recorded_at, reason, relation, object } = fields
  const time = valueText(recorded_at)
    .slice(isShort ? 11 : 0, 19)
    .replace('T', ' ')
  const what = [reason, relation, object].map((value) => shown(valueText(value), glyphs)).join('  ')
  const from = source === 'both' ? ` ${cell(copy ?? '', 8)}` : ''
  const lead = ` ${right(String(seq), 8)}${from} ${cell(shown(time, glyphs), isShort ? 8 : 19)}  `
  const mark = { ok: glyphs.ok, damaged: glyphs.damaged, unlinked: glyphs.unlinked, unknown: glyphs.unknown }[
    check ?? 'unknown'
  ]
  const [first = '', ...rest] = folded(what, size.columns - lead.length - 2)
  const look = isFound ? 'bad' : 'plain'
  return [
    line(span(` ${mark}`, check === 'ok' ? 'good' : 'bad'), span(lead + first, look)),
    ...rest.map((part) => line(span(' '.repeat(lead.length + 2) + part, look))),
  ]
}

/** With one copy in hand, says what could show the original value. */
function oneCopyLines({ changes }: Finding, { source, size }: State): Line[] {
  if (changes !== undefined || source === 'both') return []
  const other = source === 'mirror' ? 'PostgreSQL' : 'the mirror'
  const says = `One copy alone cannot show the original value. ${other} could: audit browse --source both${logWords()}${namesWords()}`
  return [line(), ...folded(says, size.columns - 4).map((part) => line(span(`   ${part}`, 'dim')))]
}
