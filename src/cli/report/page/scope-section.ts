import { wireTime } from '../../../base/wire-time.js'
import type { ChainHead } from '../../../chain/entry.js'
import type { SeenSignatures, SignedThrough, Verdict } from '../../../verify/verdict.js'
import { newestMissing, type ShownEnd, shownEnd } from './end-words.js'
import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import { chainName, NO_LAST_ROW } from './verdict-section.js'

const END_WORDS: Readonly<Record<ShownEnd, (verdict: Verdict) => string>> = {
  head: () => 'agrees with this database’s own record of the end',
  pinned: () => 'is the row that was noted elsewhere (a pin)',
  unproven: () => 'not proven: rows may have been removed after the last row',
  unread: ({ segmentTo }) => `not looked at: the check was asked to end with row ${segmentTo}`,
  outside: ({ segmentTo }) => `not shown: the rows after row ${segmentTo} are not in this file`,
  removed: (verdict) =>
    `rows are missing: row ${newestMissing(verdict)}, which was noted elsewhere (a pin), is not in this copy`,
}

/** Returns the section that says what was checked, from which copy, when, and with what. */
export function scopeSection(data: ReportData): Html {
  return html`<section id="scope" aria-labelledby="scope-title">
<h2 id="scope-title">What was checked</h2>
<dl>
<dt>Copy that was read</dt><dd>${data.copy}</dd>
<dt>Checked by</dt><dd>${data.tool}</dd>
<dt>Time of the check</dt><dd>${data.madeAt} (UTC, by the clock of the machine that made this page)</dd>
<dt>Rows in this page</dt><dd>${selection(data)}</dd>
</dl>
${data.chains.map(chainScope)}
</section>`
}

function selection({ filter }: ReportData): string {
  if (filter.length === 0) return 'all rows that were checked'
  const parts = filter.map(([name, value]) => (value === '' ? name : `${name} ${value}`))
  return `a selection: ${parts.join(', ')}. All rows of the range were checked; only the selected ones are counted and listed.`
}

function chainScope(chain: ChainReport): Html {
  const { verdict } = chain
  return html`<h3>${chainName(chain)}</h3>
<dl>
<dt>Domain id</dt><dd><code>${chain.domainId}</code></dd>
${verdict === undefined ? html`<dt>Result</dt><dd>${chain.failure?.message ?? 'not read'}</dd>` : verdictScope(chain)}
<dt>Pins</dt><dd>${pins(chain)}</dd>
<dt>End of the log</dt><dd>${endText(chain)}</dd>
</dl>`
}

function verdictScope({ verdict }: ChainReport): Html {
  if (verdict === undefined) return html``
  const { segmentFrom, segmentTo, rows, head, mirror, firstRecordedAt, lastRecordedAt, signatures } = verdict
  const isKnown = firstRecordedAt !== undefined && lastRecordedAt !== undefined
  return html`<dt>Range</dt><dd>rows ${segmentFrom} to ${segmentTo}; ${rows} rows were checked</dd>
${isKnown ? html`<dt>Recorded</dt><dd>${wireTime(firstRecordedAt)} to ${wireTime(lastRecordedAt)}</dd>` : undefined}
<dt>Last row</dt><dd>${lastRow(head)}</dd>
${signatures === undefined ? undefined : html`<dt>Signed head</dt><dd>${signedText(signatures)}</dd>`}
${mirror === undefined ? undefined : html`<dt>Mirror</dt><dd><code>${mirror}</code></dd>`}`
}

function lastRow({ seq, hash }: ChainHead): Html | string {
  return seq === 0 ? NO_LAST_ROW : html`row ${seq}, hash <code>${hash}</code>`
}

/** Who says that a key belongs to the log. */
const VOUCHERS = {
  policy: 'a key of the policy that was given to this check',
  home: 'the key that this installation keeps beside its log',
  log: 'a key that the log itself names, and that nobody else vouches for',
} as const satisfies Record<SignedThrough['by'], string>

function signedText({ through, newestSize }: SeenSignatures): Html | string {
  if (through === undefined)
    return newestSize === undefined ? 'none was found' : `none holds; row ${newestSize} was signed`
  const { throughSeq, by, keyId } = through
  return html`row ${throughSeq} is signed by <code>${keyId}</code>, ${VOUCHERS[by]}`
}

function endText({ verdict }: ChainReport): string {
  return verdict === undefined ? 'not read' : END_WORDS[shownEnd(verdict)](verdict)
}

function pins({ pins }: ChainReport): string {
  if (pins.length === 0) return 'none were given'
  return pins.map(({ seq, hash }) => `row ${seq} with hash ${hash}`).join('; ')
}
