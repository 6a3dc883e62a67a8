import type { ClockAhead } from '../../chain/row-time.js'
import { NO_NAMES, type ShownNames } from '../../query/choose-domain.js'
import type { Verdict } from '../../verify/verdict.js'
import type { VerifySummary } from '../../verify/verify-all.js'
import { chainWithName } from '../output/chain-text.js'
import { indented, packed } from '../output/fit-lines.js'
import { safe } from '../output/safe-text.js'
import { secondsText } from '../output/seconds-text.js'
import { PLAIN, type Style, type Tone } from '../output/style.js'
import { endLines } from './end-text.js'
import { findingsLines } from './finding-text.js'
import { type Concluded, signedLines } from './signed/text.js'

/** How a verdict is printed. */
export interface VerdictForm {
  /** The style of the stream. */
  readonly style?: Style | undefined
  /** The path of a bundle. */
  readonly file?: string | undefined
  readonly names?: ShownNames | undefined
  /** Whether the log is about to be removed, so that no command can read it. Default: false. */
  readonly isRemoved?: boolean | undefined
  /** What the run concluded; absent where nobody asked. */
  readonly concluded?: Concluded | undefined
}

/** Returns a verdict as text: the verdict on the first line, and then each finding with what was expected and observed. */
export function verdictText(
  verdict: Verdict,
  { style = PLAIN, file, names = NO_NAMES, isRemoved, concluded }: VerdictForm = {},
): string {
  const { domainId, source, mirror, segmentFrom, segmentTo, rows, findings, durationMs } = verdict
  const { archivedThrough, clockAhead } = verdict
  const archived = archivedThrough === undefined ? [] : [`archived through ${archivedThrough}`]
  const rate = `${rows} rows in ${(Math.round(durationMs) / 1000).toFixed(2)} s`
  const [tone, said] = wordOf(verdict, concluded)
  const word = style.mark(tone) + said
  const first = [
    style.paint(tone, word),
    chainWithName(domainId, names),
    `rows ${segmentFrom} to ${segmentTo} of ${source}`,
    rate,
  ]
  // A signed head says more than the end of the chain that was read, unless that end is pinned.
  const isSigned =
    concluded !== undefined && verdict.signatures?.through !== undefined && verdict.end !== 'pinned'
  return [
    ...packed(first, style, INDENT),
    ...packed([headText(verdict, style), ...archived], style, INDENT),
    ...(mirror === undefined ? [] : [safe`          mirror ${mirror}`]),
    ...(clockAhead === undefined ? [] : indented(clockAheadText(clockAhead), style, INDENT)),
    ...(isSigned ? [] : endLines(verdict)).flatMap((line) => indented(line, style, INDENT)),
    ...signedLines(verdict, concluded, isRemoved).flatMap((line) => indented(line, style, INDENT)),
    ...findingsLines(findings, { domainId, source, mirror, file, isRemoved }, style),
  ].join('\n')
}

/** Lines below the first one of a verdict begin here. */
const INDENT = 10

/** The head is one word, so that it can be copied: it is not broken, and has a smaller indent where it has no room. */
function headText(
  { head: { seq, hash }, rows }: Verdict,
  { columns = Number.POSITIVE_INFINITY }: Style,
): string {
  if (seq === 0) return `${' '.repeat(INDENT)}no head: ${rows === 0 ? 'no row' : 'no last row'} could be read`
  const text = `head ${seq}:${hash}`
  return `${' '.repeat(INDENT + text.length <= columns ? INDENT : 2)}${text}`
}

/** The selection of a bundle that lacks something and has no finding is no divergence, and must not look like a whole chain. */
function wordOf({ ok, findings }: Verdict, concluded: Concluded | undefined): readonly [Tone, string] {
  const word = concluded?.conclusion.word
  if (ok && word === 'unproven') return ['warn', 'unproven']
  if (ok) return ['good', word === 'verified' ? 'verified' : 'intact  ']
  return findings.length > 0 ? ['bad', 'DIVERGED'] : ['warn', 'PARTIAL ']
}

function clockAheadText({ fromSeq, seconds }: ClockAhead): string {
  return `from row ${fromSeq} on the chain is ahead of the clock, by ${secondsText(seconds)}; later rows get the same time`
}

export function summaryText(summary: VerifySummary): string {
  const { chains, intact, diverged, failed, rows, findings, verified } = summary
  const could = failed === 0 ? '' : `, ${failed} could not be checked`
  if (verified !== undefined) return signedSummaryText(summary, could)
  const counts = `${chains} chains, ${rows} rows: ${intact} intact, ${diverged} diverged${could}, ${findings} findings`
  if (intact === 0) return counts
  const { head, pinned, unproven } = summary.ends
  return `${counts}\n  ends of the intact chains: ${pinned} pinned, ${head} by their own head row, ${unproven} unproven`
}

/** Returns the totals of a run that has a policy or requirements, or has seen a signature (tlog.md, section 9). */
function signedSummaryText(summary: VerifySummary, could: string): string {
  const { chains, intact, diverged, rows, findings, verified, unproven } = summary
  const found = findings === 1 ? '1 finding' : `${findings} findings`
  return `${chains} chains, ${rows} rows: ${verified} verified, ${intact} intact, ${diverged} diverged, ${unproven} unproven${could}, ${found}`
}
