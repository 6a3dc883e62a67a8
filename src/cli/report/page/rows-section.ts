import { REASONS } from '../../../chain/reason.js'
import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import { safeText } from '../../output/safe-text.js'
import { shortened } from '../../output/short-text.js'
import { escapeHtml, type Html, html, scriptJson } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import type { RowJson, RowList } from './row-list.js'
import { chainName } from './verdict-section.js'

/** Ranges of findings that mark rows of the table, for each chain. */
const MAX_MARKS = 2_000

/** Yields the section with the table of rows, and its data blocks. */
export function* rowsSection(data: ReportData, rows: RowList): Generator<string> {
  yield head(data, rows).text
  const chains = data.chains.length > 1 ? shortNames(data.chains) : []
  for (const row of rows.first) yield staticRow(row, chains)
  yield TAIL
  yield block('id="report-meta"', scriptJson(metaOf(data)))
  for (const json of rows.blocks()) yield block('class="rows-data"', json)
}

/** Returns one data block. The browser does not run it: its type is not that of a script. */
export function block(attribute: string, json: string): string {
  return `<script type="application/json" ${attribute}>${json}</script>\n`
}

function head(data: ReportData, rows: RowList): Html {
  return html`<section id="rows" aria-labelledby="rows-title">
<h2 id="rows-title">Rows</h2>
<p>${listedText(data, rows)}</p>
<noscript><p class="note">Without JavaScript this table shows the first ${rows.first.length} rows and cannot be searched or sorted. Everything else in the page is complete.</p></noscript>
<form id="controls" hidden>
<label>Search in all fields <input type="search" id="search" autocomplete="off" spellcheck="false"></label>
<label>Decision <select id="decision"><option value="">all</option><option value="granted">granted</option><option value="denied">denied</option><option value="damaged">with a finding</option></select></label>
<label id="chain-label" hidden>Chain <select id="chain"><option value="">all</option></select></label>
</form>
<p id="status" role="status" aria-live="polite"></p>
<p id="print-note" class="note" hidden></p>
<div class="scroll" tabindex="0" role="region" aria-label="Table of rows">
<table id="row-table">
<caption>Rows, in the order in which they were written</caption>
<thead><tr><th scope="col" data-key="seq">Row</th>${data.chains.length > 1 ? CHAIN_HEAD : undefined}<th scope="col" data-key="time">Recorded (UTC)</th><th scope="col" data-key="reason">Decision</th><th scope="col" data-key="relation">Relation</th><th scope="col" data-key="object">Object</th><th scope="col" data-key="subject">Subject</th></tr></thead>
<tbody>
`
}

const CHAIN_HEAD = html`<th scope="col" data-key="chain">Chain</th>`

const TAIL = `</tbody>
</table>
</div>
<nav id="pages" aria-label="Pages of the table" hidden>
<button type="button" id="first">First</button>
<button type="button" id="previous">Previous</button>
<span id="page"></span>
<button type="button" id="next">Next</button>
<button type="button" id="last">Last</button>
</nav>
</section>
`

function listedText({ chains, isInBundle }: ReportData, rows: RowList): string {
  const selected = chains.reduce((sum, { tally }) => sum + (tally?.rows ?? 0), 0)
  if (rows.length === selected) return `All ${selected} selected rows are listed.`
  const where = isInBundle ? 'in the bundle' : 'in the copy that was read'
  return `The first ${rows.length} of ${selected} selected rows are listed. The counts and the timeline above cover all ${selected}; the other rows are ${where}.`
}

/** `chains`: what the column of chains shows; empty where there is one chain, and no such column. */
function staticRow(
  [chain, seq, time, reason, relation, object, subject, , , , , , , problem]: RowJson,
  chains: readonly string[],
): string {
  const name = chains[chain]
  const cells = [
    ...(name === undefined ? [] : [['chain', name] as const]),
    ['time', timeText(time)],
    [reason > 1 ? 'decision denied' : 'decision', REASONS[reason - 1] ?? 'damaged'],
    ['value', relation],
    ['value', object],
    ['hash', subject.slice(0, 16) || problem],
  ] as const
  // The texts of a row are visible already (row-list.ts).
  const line = cells.map(([kind, text]) => `<td class="${kind}">${escapeHtml(text)}</td>`).join('')
  return `<tr><th scope="row">${seq}</th>${line}</tr>\n`
}

function timeText(time: string): string {
  return time.replace('T', ' ').replace('Z', '')
}

function metaOf({ chains }: ReportData) {
  return {
    reasons: ['damaged', ...REASONS],
    chains: chains.map((chain) => safeText(chainName(chain))),
    short: shortNames(chains),
    marks: chains.map(({ verdict }) =>
      (verdict?.findings ?? []).slice(0, MAX_MARKS).map(({ seqFrom, seqTo, code }) => [seqFrom, seqTo, code]),
    ),
  }
}

/** Returns what the column of chains shows, so that no two chains look alike: a name that only one has, otherwise with the id. */
export function shortNames(chains: readonly Pick<ChainReport, 'domainId' | 'name'>[]): string[] {
  const names = chains.map(({ domainId, name }) => (domainId === PLATFORM_ANCHOR ? 'platform chain' : name))
  const uses = new Map<string | undefined, number>()
  for (const name of names) uses.set(name, (uses.get(name) ?? 0) + 1)
  const ids = shortened(
    chains.map(({ domainId }) => domainId),
    'id',
    '…',
  )
  return names.map((name, i) => {
    const id = ids[i] ?? ''
    if (name === undefined) return id
    return safeText(uses.get(name) === 1 ? name : `${name} ${id}`)
  })
}
