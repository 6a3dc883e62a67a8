import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import { chainName, NO_LAST_ROW } from './verdict-section.js'

/** Returns the section that says how somebody else repeats the check. */
export function checkSection(data: ReportData): Html {
  const heads = data.chains.filter(({ verdict }) => verdict?.ok === true && verdict.head.seq > 0)
  return html`<section id="check" aria-labelledby="check-title">
<h2 id="check-title">How somebody else checks this</h2>
<p>Nothing in this page has to be believed. Anybody with a copy of the log can repeat the check, with this program, or with another
one that is written from its description of the format. The result must be the same verdict with the same hashes.</p>
<ol>
<li>Install the program named above, in the same version or a later one.</li>
<li>Run the check on the copy. The exit code says the verdict: 0 every row is intact, 1 something was changed, 3 it could not be checked.
${data.commands.length === 0 ? 'The copy was removed after this check, so there is no command that repeats it.' : undefined}${data.commands.map((command) => html`<pre><code>${command}</code></pre>`)}</li>
<li>Compare the hash of the last row, which stands for all rows before it:
<dl>
${data.chains.map((chain) => html`<dt>${chainName(chain)}</dt><dd>${lastRow(chain)}</dd>`)}
</dl></li>
${
  heads.length === 0
    ? undefined
    : html`<li>Keep these hashes in another place. A later check that expects them shows whether any of these rows was changed since:
${heads.map(({ verdict }) => html`<pre><code>--expect-head ${verdict?.head.seq}:${verdict?.head.hash}</code></pre>`)}</li>`
}
</ol>
</section>`
}

function lastRow({ verdict }: ChainReport): Html | string {
  if (verdict === undefined) return 'not read'
  const { seq, hash } = verdict.head
  return seq === 0 ? NO_LAST_ROW : html`row ${seq}<br><code>${hash}</code>`
}

/** Returns the section that explains the words of the page. */
export function wordsSection(): Html {
  return html`<section id="words" aria-labelledby="words-title">
<h2 id="words-title">Words</h2>
<dl>
<dt>Log, chain</dt><dd>A list of rows. Rows are only added at the end. Each Domain (a customer or a part of the platform) has one chain, and the platform has one.</dd>
<dt>Row</dt><dd>One entry: who (subject) did or asked for what (relation) on what (object), and how it was decided (granted or denied). Rows are numbered from 1.</dd>
<dt>Hash</dt><dd>A number of 64 digits that is computed from the content of a row and from the hash of the row before. When anything in a row changes, its hash and all later hashes change.</dd>
<dt>Pseudonym</dt><dd>64 digits in place of a person’s name. Who is behind it is kept outside the log and can be erased.</dd>
<dt>Mirror</dt><dd>A second copy of every row, in another store.</dd>
<dt>Pin</dt><dd>The number and hash of a row that somebody noted earlier in another place.</dd>
<dt>Recorded</dt><dd>The time at which the row was written to the log.</dd>
</dl>
</section>`
}
