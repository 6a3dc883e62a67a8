import type { Verdict } from '../../../verify/verdict.js'
import { newestMissing, type ShownEnd, shownEnd } from './end-words.js'
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
function limitsOf(data: ReportData): string[] {
  return [
    ...data.doubts.map(({ message }) => `Not every chain of the log may have been checked: ${message}.`),
    ...otherLimit(data),
    ...data.chains.flatMap((chain) => [...endLimit(chain), ...segmentLimit(chain), ...doubts(chain)]),
    ...sourceLimit(data),
    ...(data.filter.length === 0 ? [] : [FILTERED]),
    ...(isByTime(data) ? [BY_TIME] : []),
    ...(data.hasContext ? [CONTEXT] : []),
    ...cutLimit(data),
    ...(data.isInBundle ? [IN_BUNDLE] : []),
    CONTENT,
    data.chains.some(isSigned) ? SIGNED : UNKEYED,
    SELF,
  ]
}

const FILTERED =
  'The tables and the timeline show a selection of the rows. What is not selected is not shown, and its absence here says nothing.'
const BY_TIME =
  'The rows are selected by the time at which they were recorded. For imported rows this is the time of the import, not that of the event.'
const CONTEXT =
  'Addresses, names of programs, metadata and the event’s own time are stored beside the log and are not covered by any hash. Somebody who can write to the database can change them without a trace.'
const IN_BUNDLE =
  'This page is not evidence. The rows in the bundle are: check them with a verifier, and use this page only to read them.'
const CONTENT = 'The check shows that the rows fit together. It does not show that what was written was true.'
const UNKEYED =
  'Anybody can compute these hashes. Somebody who can write to the copy can replace all rows from some row to the end consistently. Only a row hash that was noted elsewhere before (a pin) shows that.'
const SIGNED =
  'Anybody can compute these hashes. Somebody who can write to the copy can replace all rows from some row to the end consistently. A row hash that was noted elsewhere before (a pin) shows that, and so does a signed head, for the rows up to it: as far as its key is known to be the log’s own.'
const SELF =
  'This page was written by a program, and can be edited like any file. It is worth what its source is worth: repeat the check as described below.'

function isSigned({ verdict }: ChainReport): boolean {
  return verdict?.signatures?.through !== undefined
}

function endLimit(chain: ChainReport): string[] {
  const { verdict } = chain
  if (verdict === undefined) return []
  const text = END_LIMITS[shownEnd(verdict)](chainName(chain), verdict)
  return text === undefined ? [] : [text]
}

const END_LIMITS: Readonly<Record<ShownEnd, (name: string, verdict: Verdict) => string | undefined>> = {
  unread: (name, { segmentTo }) =>
    `The rows of ${name} after row ${segmentTo} were not read, because the check was asked to end there. This page says nothing about them, nor about where the log ends.`,
  outside: (name, { segmentTo }) =>
    `The rows of ${name} after row ${segmentTo} are not in this file. This page says nothing about them, nor about where the log ends.`,
  removed: (name, verdict) =>
    `Rows of ${name} are missing at the end: a row hash that was noted elsewhere proves that there was a row ${newestMissing(verdict)}. How many rows came after that row is not shown.`,
  unproven: (name, { head, segmentTo }) =>
    `That no rows of ${name} after row ${head.seq || segmentTo} were removed is not shown: nothing outside this copy says where the log ends.`,
  head: (name, { head }) =>
    `That no rows of ${name} after row ${head.seq} were removed is shown only by this database’s own record of the end. Somebody who can write to the database can change both.`,
  pinned: () => undefined,
}

function segmentLimit(chain: ChainReport): string[] {
  const { verdict } = chain
  if (verdict === undefined || verdict.segmentFrom === 1) return []
  return [`Of ${chainName(chain)}, rows before row ${verdict.segmentFrom} were not checked.`]
}

/** The most chains of other mirrors that are named one by one. */
const MOST_OTHERS = 50

function otherLimit({ others }: ReportData): string[] {
  const more = others.length - MOST_OTHERS
  return [
    ...others
      .slice(0, MOST_OTHERS)
      .map(
        ({ domainId, mirrorUrl }) =>
          `${chainName({ domainId })} was not checked: it is in another mirror, ${mirrorUrl}.`,
      ),
    ...(more > 0 ? [`${more} more chains were not checked, because they are in other mirrors.`] : []),
  ]
}

function cutLimit({ contextCut: cut, chains }: ReportData): string[] {
  if (cut === undefined) return []
  const chain = chains.find(({ domainId }) => domainId === cut.domainId) ?? cut
  return [
    `The page had no room for the addresses, programs, metadata and event times of all listed rows. It has none of them from row ${cut.seq} of ${chainName(chain)} on.`,
  ]
}

function isByTime({ filter }: ReportData): boolean {
  return filter.some(([name]) => name === '--from' || name === '--to')
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
