import type { RowsView, State } from '../model/state.js'
import { columnOf, columnsOf, type Timeline } from '../model/timeline.js'
import { type Line, line, type Span, span } from './lines.js'
import { countText, timeText } from './time-text.js'

/** Returns the strip below the rows: bars of all rows, bars of denials, and the times at both ends. */
export function timelineLines(state: State, view: RowsView): Line[] {
  const { timeline } = view
  if (timeline === undefined) {
    const text = state.jobs.timeline === undefined ? '' : '  timeline: reading'
    return [line(), line(span(text, 'dim')), line()]
  }
  const width = state.size.columns - LABEL - 1
  const rows = columnsOf(timeline.rows, width)
  const denials = columnsOf(timeline.denials, width)
  const most = Math.max(1, ...rows)
  const at = columnOf(timeline, view.window?.rows[view.position.selected]?.recordedAt, width)
  return [
    line(span('  rows   ', 'dim'), ...bars(state, rows, most, 'plain', at)),
    line(span('  denied ', 'dim'), ...bars(state, denials, most, 'warn', at)),
    line(span(`  ${axis(timeline, state.size.columns - 3)}`, 'dim')),
  ]
}

/** The width of the words before the bars. */
const LABEL = 9

/** A bucket with any row shows the lowest bar, so that nothing that happened is invisible. */
function bars(
  { glyphs }: State,
  counts: readonly number[],
  most: number,
  look: 'plain' | 'warn',
  selected: number | undefined,
): Span[] {
  const top = glyphs.bars.length - 1
  const texts = counts.map(
    (count) => glyphs.bars[count === 0 ? 0 : Math.max(1, Math.round((count * top) / most))] ?? ' ',
  )
  if (selected === undefined) return [span(texts.join(''), look)]
  return [
    span(texts.slice(0, selected).join(''), look),
    span(texts[selected] ?? ' ', 'bar'),
    span(texts.slice(selected + 1).join(''), look),
  ]
}

function axis(timeline: Timeline, width: number): string {
  const denials = timeline.denials.reduce((sum, count) => sum + count, 0)
  const progress = timeline.isComplete ? '' : ` up to row ${countText(timeline.through)}`
  const middle = `${countText(timeline.counted)} rows, ${countText(denials)} denied${progress}`
  const [from, to] = [timeText(timeline.from), timeText(timeline.to)]
  const gap = Math.max(2, width - from.length - middle.length - to.length)
  return `${from}${' '.repeat(Math.ceil(gap / 2))}${middle}${' '.repeat(Math.floor(gap / 2))}${to}`
}
