import { type Html, html } from './html.js'
import type { ChainReport, ReportData } from './report-data.js'
import { chainName } from './verdict-section.js'

/** Returns the section that says what the check cannot show. */
export function limitsSection(data: ReportData): Html {
  return html`<section id="limits" aria-labelledby="limits-title">
<h2 id="limits-title">What this does not prove</h2>
<ul>
${limitsOf(data).map((text) => html`<li>${text}</li>`)}
</ul>
</section>`
}

/** Returns every limit of the check that the report must name. */
export function limitsOf(data: ReportData): string[] {
  return [
    ...data.doubts.map(({ message }) => `Not every chain of the log may have been checked: ${message}.`),
    ...data.chains.flatMap((chain) => [...endLimit(chain), ...segmentLimit(chain), ...doubts(chain)]),
    ...sourceLimit(data),
    ...(data.filter.length === 0 ? [] : [FILTERED]),
    ...(data.hasContext ? [CONTEXT] : []),
    ...(data.isInBundle ? [IN_BUNDLE] : []),
    CONTENT,
    UNKEYED,
    SELF,
  ]
}

const FILTERED =
  'The tables and the timeline show a selection of the rows. What is not selected is not shown, and its absence here says nothing.'
const CONTEXT =
  'Addresses, names of programs, metadata and the event’s own time are stored beside the log and are not covered by any hash. Somebody who can write to the database can change them without a trace.'
const IN_BUNDLE =
  'This page is not evidence. The rows in the bundle are: check them with a verifier, and use this page only to read them.'
const CONTENT =
  'The check shows that rows are unchanged since they were written. It does not show that what was written was true.'
const UNKEYED =
  'Anybody can compute these hashes. Somebody who can write to the copy can replace all rows from some row to the end consistently. Only a row hash that was noted elsewhere before (a pin) shows that.'
const SELF =
  'This page was written by a program, and can be edited like any file. It is worth what its source is worth: repeat the check as described below.'

function endLimit(chain: ChainReport): string[] {
  const { verdict } = chain
  if (verdict === undefined || verdict.end === 'pinned') return []
  const { seq } = verdict.head
  if (verdict.end === 'unproven')
    return [
      `That no rows of ${chainName(chain)} after row ${seq} were removed is not shown: nothing outside this copy says where the log ends.`,
    ]
  return [
    `That no rows of ${chainName(chain)} after row ${seq} were removed is shown only by this database’s own record of the end. Somebody who can write to the database can change both.`,
  ]
}

function segmentLimit(chain: ChainReport): string[] {
  const { verdict } = chain
  if (verdict === undefined || verdict.segmentFrom === 1) return []
  return [`Of ${chainName(chain)}, rows before row ${verdict.segmentFrom} were not checked.`]
}

function doubts(chain: ChainReport): string[] {
  const { verdict, failure } = chain
  const all = [...(verdict?.doubts ?? []), ...(failure === undefined ? [] : [failure])]
  return [...new Set(all.map(({ message }) => `${chainName(chain)}: ${message}.`))]
}

function sourceLimit({ source }: ReportData): string[] {
  if (source === 'both') return []
  return [
    'One copy was read. Where a row was changed, the original content cannot be known from this copy alone; a second copy may still have it.',
  ]
}
