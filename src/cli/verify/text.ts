import type { VerifyResult, WireFinding } from '../../verify/result.js'
import type { VerifySummary } from '../../verify/verify-all.js'
import { safe } from '../output/safe-text.js'

/**
 * A verdict for people: the first line says it, the rest says where and what was expected. `neither`: the word, of eight
 * letters, for what is not intact and not diverged.
 */
export function verdictText(result: VerifyResult, neither?: string): string {
  const { domain_id, source, segment_from, segment_to, rows, head, findings, stats } = result
  const rate = `${rows} rows in ${(stats.duration_ms / 1000).toFixed(2)} s`
  const verdict = neither ?? (result.ok ? 'intact  ' : 'DIVERGED')
  const first = `${verdict}  ${domain_id}  rows ${segment_from} to ${segment_to} of ${source}  ${rate}`
  return [first, `          head ${head.seq}:${head.hash}`, ...findings.flatMap(findingLines)].join('\n')
}

/** A detail may quote whoever named an object, or a member of an evidence file. */
export function findingLines({ code, seq_from, seq_to, expected, observed, detail }: WireFinding): string[] {
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
