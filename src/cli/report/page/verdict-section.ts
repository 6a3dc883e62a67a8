import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'

/** How a chain was judged: `unproven` where nothing was found, and not everything could be checked. */
export type ChainState = 'intact' | 'changed' | 'unproven'

const STATE_WORDS = {
  intact: 'intact',
  changed: 'CHANGED',
  unproven: 'NOT PROVEN',
} as const satisfies Record<ChainState, string>

export function stateOf({ verdict, failure }: ChainReport): ChainState {
  if (verdict !== undefined && verdict.findings.length > 0) return 'changed'
  return verdict === undefined || failure !== undefined ? 'unproven' : 'intact'
}

/** Returns the worst state of all chains: a change is worse than what could not be checked. */
function worstState({ chains, doubts }: Pick<ReportData, 'chains' | 'doubts'>): ChainState {
  const states = new Set(chains.map(stateOf))
  if (states.has('changed')) return 'changed'
  return states.has('unproven') || states.size === 0 || doubts.length > 0 ? 'unproven' : 'intact'
}

/** The text where a chain has no last row, or one that cannot be read. */
export const NO_LAST_ROW = 'no last row could be read'

/** Returns how a chain is called in the page: its name before its id, and the platform chain by that word. */
export function chainName({ domainId, name }: Pick<ChainReport, 'domainId' | 'name'>): string {
  if (domainId === PLATFORM_ANCHOR) return 'the platform chain'
  return name === undefined ? domainId : `${name} (${domainId})`
}

/** Returns the first section: the verdict in one line, and a line for each chain. */
export function verdictSection(data: ReportData): Html {
  const state = worstState(data)
  return html`<section id="verdict" class="verdict ${state}" aria-labelledby="verdict-title">
<h2 id="verdict-title">Verdict</h2>
<p class="sentence"><strong>${STATE_WORDS[state]}.</strong> ${sentence(data, state)}</p>
${data.chains.length > 1 ? chainTable(data.chains) : undefined}
${data.hasContext ? contextWarning() : undefined}
</section>`
}

function sentence(data: ReportData, state: ChainState): string {
  const { chains, doubts, others } = data
  const [chain] = chains
  if (chain === undefined) return 'No chain was checked.'
  if (chains.length > 1 || doubts.length > 0 || others.length > 0) return sentenceOfAll(data)
  if (state === 'changed') return changedSentence(chain)
  if (state === 'intact') return intactSentence(chain)
  return `It could not be shown that the rows of ${chainName(chain)} are as they were written: ${reason(chain)}.`
}

function changedSentence(chain: ChainReport): string {
  const findings = chain.verdict?.findings ?? []
  const count = findings.length === 1 ? 'There is one finding' : `There are ${findings.length} findings`
  return `The log of ${chainName(chain)} is not as it was written. ${count}, the first at row ${findings[0]?.seqFrom ?? 0}.`
}

function intactSentence(chain: ChainReport): string {
  const { verdict } = chain
  const [from, to] = [verdict?.segmentFrom ?? 0, verdict?.segmentTo ?? 0]
  return `Every row of ${chainName(chain)} from row ${from} to row ${to} recomputes and links to the row before it, and none between them is missing.${pinnedText(chain)}`
}

/** Only a row hash from outside shows that the rows were not replaced consistently. */
function pinnedText({ verdict }: ChainReport): string {
  const seq = verdict?.pinnedThrough
  return seq === undefined
    ? ''
    : ` Row ${seq} is the row that was noted elsewhere, so no row up to it was changed since.`
}

function sentenceOfAll({ chains, doubts, others }: ReportData): string {
  const count = (state: ChainState) => chains.filter((chain) => stateOf(chain) === state).length
  const [intact, changed, unproven] = [count('intact'), count('changed'), count('unproven')]
  const parts = [
    `${intact} of ${chains.length} ${chains.length === 1 ? 'chain is' : 'chains are'} intact`,
    ...(changed > 0
      ? [`${changed} ${changed === 1 ? 'is not as it was' : 'are not as they were'} written`]
      : []),
    ...(unproven > 0 ? [`${unproven} could not be shown to be intact`] : []),
    ...(others.length > 0
      ? [`${others.length} in other mirrors ${others.length === 1 ? 'was' : 'were'} not checked`]
      : []),
    ...(doubts.length > 0 ? ['and the log may have chains that were not checked'] : []),
  ]
  return `${parts.join(', ')}.`
}

function reason({ failure }: ChainReport): string {
  return failure?.message ?? 'nothing was read'
}

function chainTable(chains: readonly ChainReport[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Verdict of each chain"><table class="chains">
<caption>Verdict of each chain</caption>
<thead><tr><th scope="col">Chain</th><th scope="col">Verdict</th><th scope="col" class="number">Rows read</th><th scope="col" class="number">Findings</th></tr></thead>
<tbody>
${chains.map(chainLine)}
</tbody></table></div>`
}

function chainLine(chain: ChainReport): Html {
  const state = stateOf(chain)
  const note = state === 'unproven' ? `: ${reason(chain)}` : ''
  return html`<tr><th scope="row">${chainName(chain)}</th><td class="${state}">${STATE_WORDS[state]}${note}</td><td class="number">${chain.verdict?.rows ?? 0}</td><td class="number">${chain.verdict?.findings.length ?? 0}</td></tr>`
}

function contextWarning(): Html {
  return html`<p class="warning"><strong>This page holds personal data.</strong> It has addresses, names of programs and other
details of requests. When a person is erased from the log, this page still has them: it must be found and deleted by hand.
These details are not covered by the hashes, so nothing in this page proves them.</p>`
}
