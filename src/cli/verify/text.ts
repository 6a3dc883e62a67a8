import type { Finding } from '../../chain/finding.js'
import { wireFinding } from '../../json/finding.js'
import type { Verdict } from '../../verify/verdict.js'
import type { VerifySummary } from '../../verify/verify-all.js'
import { safe } from '../output/safe-text.js'

/**
 * Returns a verdict as text: the verdict on the first line, and then each finding with what was expected and observed.
 * `neither`: a word of eight letters for a verdict that is neither intact nor diverged.
 */
export function verdictText(verdict: Verdict, neither?: string): string {
  const { ok, domainId, source, segmentFrom, segmentTo, rows, head, findings, durationMs } = verdict
  const rate = `${rows} rows in ${(Math.round(durationMs) / 1000).toFixed(2)} s`
  const word = neither ?? (ok ? 'intact  ' : 'DIVERGED')
  const first = `${word}  ${domainId}  rows ${segmentFrom} to ${segmentTo} of ${source}  ${rate}`
  return [first, `          head ${head.seq}:${head.hash}`, ...findings.flatMap(findingLines)].join('\n')
}

/** Returns one finding as text. A detail may quote the name of an object, which is untrusted. */
export function findingLines(finding: Finding): string[] {
  const { code, seq_from, seq_to, expected, observed, detail } = wireFinding(finding)
  const place = seq_from === seq_to ? `row ${seq_from}` : `rows ${seq_from} to ${seq_to}`
  return [
    safe`  ${code}  ${place}: ${detail}`,
    ...(expected === undefined ? [] : [`    expected  ${expected}`]),
    ...(observed === undefined ? [] : [`    observed  ${observed}`]),
  ]
}

export function summaryText(summary: VerifySummary): string {
  const { chains, intact, diverged, failed, rows, findings } = summary
  const could = failed === 0 ? '' : `, ${failed} could not be checked`
  return `${chains} chains, ${rows} rows: ${intact} intact, ${diverged} diverged${could}, ${findings} findings`
}
