import { REASONS } from '../../../chain/reason.js'
import type { TopCounts } from '../../../report/counts.js'
import type { TallyResult } from '../../../report/tally.js'
import { type Html, html } from './html.js'
import type { ReportData } from './report-data.js'
import { chainName } from './verdict-section.js'

const REASON_WORDS = {
  granted: 'granted',
  out_of_scope: 'denied: out of scope',
  insufficient_relation: 'denied: the right was missing',
  caveat_violation: 'denied: a condition was not met',
} as const satisfies Record<(typeof REASONS)[number], string>

/** Returns the section that counts the selected rows by what was done, on what, by whom, and how it was decided. */
export function topSection({ chains }: ReportData): Html {
  return html`<section id="counts" aria-labelledby="counts-title">
<h2 id="counts-title">Counts</h2>
${chains.map((chain) => (chain.tally === undefined ? html`` : chainCounts(chainName(chain), chain.tally)))}
</section>`
}

function chainCounts(name: string, tally: TallyResult): Html {
  const { rows, denied, unreadable, leftOut } = tally
  const damaged = unreadable === 0 ? '' : `; ${unreadable} are damaged so that their fields cannot be read`
  const unread =
    leftOut === 0
      ? ''
      : ` ${leftOut} further ${leftOut === 1 ? 'row is' : 'rows are'} damaged so that no fields can be read. The findings name what is left out for that reason; it may belong to the selection.`
  return html`<h3>${name}</h3>
<p>${rows} rows are selected; ${denied} of them were not granted${damaged}.${unread}</p>
<div class="tops">
${reasonTable(tally)}
${topTable('Action (relation)', tally.relations)}
${topTable('Object', tally.objects)}
${topTable('Subject, as a pseudonym', tally.subjects)}
</div>`
}

function reasonTable({ reasons }: TallyResult): Html {
  return html`<table><caption>Decision</caption>
<thead><tr><th scope="col">Decision</th><th scope="col" class="number">Rows</th></tr></thead>
<tbody>
${REASONS.map((reason, i) => html`<tr><th scope="row">${reasonWords(reason)}</th><td class="number">${reasons[i] ?? 0}</td></tr>`)}
</tbody></table>`
}

function reasonWords(reason: keyof typeof REASON_WORDS): Html {
  const words = REASON_WORDS[reason]
  return words === reason ? html`${words}` : html`${words} <code>${reason}</code>`
}

function topTable(title: string, { top, distinct, uncounted }: TopCounts): Html {
  return html`<table><caption>${title}: ${note(top.length, distinct, uncounted)}</caption>
<thead><tr><th scope="col">${title}</th><th scope="col" class="number">Rows</th><th scope="col" class="number">Denied</th></tr></thead>
<tbody>
${top.map(({ value, rows, denied }) => html`<tr><th scope="row" class="value">${value}</th><td class="number">${rows}</td><td class="number">${denied}</td></tr>`)}
</tbody></table>`
}

function note(shown: number, distinct: number, uncounted: number): string {
  const which =
    shown < distinct ? `the ${shown} most frequent of ${distinct} different ones` : `all ${distinct}`
  return uncounted === 0 ? which : `${which}; ${uncounted} rows have other values, which were not counted`
}
