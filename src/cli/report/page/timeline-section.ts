import { wireTime } from '../../../base/wire-time.js'
import type { Bar, TimelineBars } from '../../../report/timeline.js'
import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import { chainName } from './verdict-section.js'

const [WIDTH, HEIGHT, TOP] = [960, 160, 10]

/** Returns the section with the rows over time, as a drawing and as a table. */
export function timelineSection({ chains }: ReportData): Html {
  return html`<section id="timeline" aria-labelledby="timeline-title">
<h2 id="timeline-title">Timeline</h2>
<p>The selected rows by the time at which they were recorded, in UTC. For imported rows this is the time of the import.</p>
${chains.map(chainTimeline)}
</section>`
}

function chainTimeline(chain: ChainReport): Html {
  const timeline = chain.tally?.timeline
  if (timeline === undefined || timeline.bars.length === 0) return html``
  const highest = Math.max(...timeline.bars.map(({ rows }) => rows))
  const [first, last] = [timeline.bars[0], timeline.bars.at(-1)]
  const span = spanText(timeline.width)
  return html`<h3>${chainName(chain)}</h3>
<figure>
${drawing(timeline, highest, `Rows of ${chainName(chain)} over time; the table below has the numbers.`)}
<div class="axis" aria-hidden="true"><span>${minuteText(first)}</span><span>${minuteText(last)}</span></div>
<figcaption><span class="key rows-key"></span> rows <span class="key denied-key"></span> denied rows. Each bar is ${span}; the highest has ${highest} rows.</figcaption>
</figure>
<details><summary>Timeline of ${chainName(chain)} as a table</summary>
<table><caption>Rows in each span of ${span} that has rows</caption>
<thead><tr><th scope="col">From (UTC)</th><th scope="col" class="number">Rows</th><th scope="col" class="number">Denied</th></tr></thead>
<tbody>
${timeline.bars.filter(({ rows }) => rows > 0).map((bar) => html`<tr><th scope="row">${minuteText(bar)}</th><td class="number">${bar.rows}</td><td class="number">${bar.denied}</td></tr>`)}
</tbody></table></details>`
}

/** Draws with attributes of SVG only: the page allows no style attribute. */
function drawing({ bars }: TimelineBars, highest: number, label: string): Html {
  const step = WIDTH / bars.length
  const height = (rows: number) => (rows === 0 ? 0 : Math.max(2, (rows / highest) * (HEIGHT - TOP)))
  const rect = (kind: string, i: number, rows: number) =>
    html`<rect class="${kind}" x="${fixed(i * step)}" y="${fixed(HEIGHT - height(rows))}" width="${fixed(Math.max(step - 1, 0.5))}" height="${fixed(height(rows))}"></rect>`
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}" preserveAspectRatio="none">
${bars.flatMap(({ rows, denied }, i) => [
  ...(rows > 0 ? [rect('rows-bar', i, rows)] : []),
  ...(denied > 0 ? [rect('denied-bar', i, denied)] : []),
])}
<line class="base" x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"></line>
</svg>`
}

function fixed(value: number): string {
  return value.toFixed(1)
}

/** Returns the begin of a bar to the minute. */
function minuteText(bar: Bar | undefined): string {
  const text = wireTime(BigInt(Math.trunc(bar?.from ?? 0)) * 1_000_000n)
  return `${text.slice(0, 10)} ${text.slice(11, 16)}`
}

const UNITS: readonly (readonly [number, string])[] = [
  [604_800, 'week'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
]

function spanText(seconds: number): string {
  const [length, unit] = UNITS.find(([length]) => seconds % length === 0) ?? [1, 'second']
  const count = seconds / length
  return count === 1 ? `one ${unit}` : `${count} ${unit}s`
}
