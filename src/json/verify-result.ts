import type { ChainHead } from '../chain/entry.js'
import type { Strays } from '../ports/mirror.js'
import type { SourceName } from '../ports/verify.js'
import type { Verdict } from '../verify/verdict.js'
import { type WireFinding, wireFinding } from './finding.js'

/** A verify result as it is printed and sent. `--expect-heads` reads a file of saved results, one per line. */
export interface VerifyResult {
  readonly ok: boolean
  readonly domain_id: string
  readonly source: SourceName
  /** The URL of the mirror that was read. Only if one was. */
  readonly mirror?: string
  readonly segment_from: number
  readonly segment_to: number
  /** Rows that were read. */
  readonly rows: number
  /** Rows that the mirror does not have yet: a count, not a finding. Only if both copies were read. */
  readonly unarchived?: number
  /** The last seq up to which every row has an archive stamp. Only if PostgreSQL was read. */
  readonly archived_through?: number
  /** Archive stamps of the segment that name no row: a note, not a finding. Only if there are any. */
  readonly rowless_stamps?: { readonly count: number; readonly first_seqs: readonly number[] }
  /** Names in the mirror that are no part of the chain. Only if there are any. */
  readonly stray?: Strays
  /** The last row of the segment as stored; seq 0, which is no pin, where it has no hash that can be read. If `ok`, a later verification can pin this row. */
  readonly head: ChainHead
  readonly findings: readonly WireFinding[]
  readonly divergent_seq?: number
  readonly expected_hash?: string
  readonly observed_hash?: string
  /** Only if rows are ahead of the clock: the first of them, and by how much the latest one is ahead. */
  readonly clock_ahead?: { readonly from_seq: number; readonly seconds: number }
  readonly stats: { readonly duration_ms: number; readonly rows_per_second: number }
}

/** Returns the printed form of a verdict. */
export function verifyResult(verdict: Verdict): VerifyResult {
  const {
    ok,
    domainId,
    source,
    mirror,
    segmentFrom,
    segmentTo,
    rows,
    unarchived,
    archivedThrough,
    rowlessStamps: rowless,
    strays,
    head,
    durationMs,
    clockAhead,
  } = verdict
  const findings = verdict.findings.map(wireFinding)
  return {
    ok,
    domain_id: domainId,
    source,
    ...(mirror !== undefined && { mirror }),
    segment_from: segmentFrom,
    segment_to: segmentTo,
    rows,
    ...(unarchived !== undefined && { unarchived }),
    ...(archivedThrough !== undefined && { archived_through: archivedThrough }),
    ...(rowless !== undefined && { rowless_stamps: { count: rowless.count, first_seqs: rowless.firstSeqs } }),
    ...(strays !== undefined && { stray: strays }),
    head,
    ...divergence(findings),
    findings,
    ...(clockAhead !== undefined && {
      clock_ahead: { from_seq: clockAhead.fromSeq, seconds: clockAhead.seconds },
    }),
    stats: {
      duration_ms: Math.round(durationMs),
      rows_per_second: Math.round((rows * 1000) / Math.max(durationMs, 1)),
    },
  }
}

/** Repeats the first finding's place and hashes at the top, where clients of the HTTP contract read them. */
function divergence([first]: readonly WireFinding[]): Partial<VerifyResult> {
  if (first === undefined) return {}
  return {
    divergent_seq: first.seq_from,
    ...(first.expected !== undefined && { expected_hash: first.expected }),
    ...(first.observed !== undefined && { observed_hash: first.observed }),
  }
}
