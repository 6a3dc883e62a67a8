import type { Finding } from '../../../chain/finding.js'
import { wireFinding } from '../../../json/finding.js'
import { CODE_WORDS } from './code-words.js'
import { changesTable, contextTable } from './evidence-tables.js'
import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import { chainName } from './verdict-section.js'

/** Findings that the page shows of each chain. */
const MAX_FINDINGS = 200

/** Returns the section with every finding, or nothing where there is none. */
export function findingsSection({ chains }: ReportData): Html {
  const damaged = chains.filter(({ verdict }) => (verdict?.findings.length ?? 0) > 0)
  return html`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">Findings</h2>
${damaged.length === 0 ? html`<p>Nothing was found.</p>` : damaged.map(chainFindings)}
</section>`
}

function chainFindings(chain: ChainReport): Html {
  const findings = chain.verdict?.findings ?? []
  const more = findings.length - MAX_FINDINGS
  return html`<h3>${chainName(chain)}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}</h3>
<ol class="findings">
${findings.slice(0, MAX_FINDINGS).map(findingItem)}
</ol>
${more > 0 ? html`<p class="note">${more} more findings are not listed here. The command “audit verify --json” prints all of them.</p>` : undefined}`
}

function findingItem(finding: Finding): Html {
  const { code, seq_from, seq_to, expected, observed, detail } = wireFinding(finding)
  const place = seq_from === seq_to ? `Row ${seq_from}` : `Rows ${seq_from} to ${seq_to}`
  return html`<li class="finding">
<h4>${place}: ${CODE_WORDS[code]}</h4>
<dl>
<dt>Code</dt><dd><code>${code}</code></dd>
<dt>Detail</dt><dd>${detail}</dd>
${expected === undefined ? undefined : html`<dt>Expected</dt><dd><code>${expected}</code></dd>`}
${observed === undefined ? undefined : html`<dt>Found</dt><dd><code>${observed}</code></dd>`}
</dl>
${changesTable(finding)}
${contextTable(finding)}
</li>`
}
