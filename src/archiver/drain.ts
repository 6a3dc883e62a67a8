import type { ChainedEntry } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { Hasher } from '../chain/hash.js'
import { AuditError } from '../errors.js'
import type { ArchiveQueue, MirrorCodec, MirrorStore } from '../ports.js'
import { inParallel } from './in-parallel.js'
import { judgeWindow } from './judge-window.js'
import { type Uploaded, uploadRow } from './upload.js'

/** Rows that are read, judged, uploaded and stamped together; bounds memory, and what a crash makes us do again. */
const WINDOW = 500

export interface DrainParts {
  readonly queue: ArchiveQueue
  readonly store: MirrorStore
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  /** Uploads under way at once. */
  readonly concurrency: number
  /** Writes findings to the quarantine; a chain's damage is told there. */
  readonly onFindings: (domainId: string, findings: readonly Finding[]) => Promise<void>
  readonly onProgress?: (uploaded: number) => void
}

export interface Drained {
  readonly stamped: number
  /** Rows that were not uploaded because they, or what the mirror has in their place, are not as they should be. */
  readonly held: number
  /** Rows that could not be uploaded; the next pass tries them again. */
  readonly failed: number
  readonly error?: AuditError | undefined
}

/**
 * One pass over the rows of a chain that have no stamp, in order of seq. A row that is bad or cannot be uploaded is
 * passed over and does not stop the others. Ends early at the signal, with what was uploaded stamped.
 */
export async function drainChain(domainId: string, parts: DrainParts, signal: AbortSignal): Promise<Drained> {
  let total: Drained = { stamped: 0, held: 0, failed: 0 }
  let after = 0
  while (!signal.aborted) {
    const seqs = await parts.queue.unstamped(domainId, after, WINDOW)
    for (const [fromSeq, toSeq] of runs(seqs)) {
      total = add(total, await drainRun(domainId, fromSeq, toSeq, parts, signal))
      if (signal.aborted) break
    }
    after = seqs.at(-1) ?? after
    if (seqs.length < WINDOW) break
  }
  return total
}

async function drainRun(
  domainId: string,
  fromSeq: number,
  toSeq: number,
  parts: DrainParts,
  signal: AbortSignal,
): Promise<Drained> {
  const window = await parts.queue.window(domainId, fromSeq, toSeq)
  const { ready, findings } = judgeWindow(window, fromSeq, toSeq, parts.hasher)
  const outcomes = await uploadAll(ready, parts, signal)
  const uploaded = outcomes.filter((outcome) => !(outcome instanceof AuditError))
  const stamps = uploaded.flatMap((one) => ('etag' in one ? [{ seq: one.seq, etag: one.etag }] : []))
  // Dying before this line uploads again what is there already, and then stamps it: same object, same etag.
  const stamped = stamps.length === 0 ? 0 : await parts.queue.stamp(domainId, stamps)
  const found = [...findings, ...uploaded.flatMap((one) => ('finding' in one ? [one.finding] : []))]
  if (found.length > 0) await parts.onFindings(domainId, found)
  parts.onProgress?.(stamped)
  const errors = outcomes.filter((outcome) => outcome instanceof AuditError)
  const held = toSeq - fromSeq + 1 - ready.length + (uploaded.length - stamps.length)
  return { stamped, held, failed: errors.length, error: errors[0] }
}

/** Each row's outcome in order; what was not begun when the signal came is left out. */
async function uploadAll(
  rows: readonly ChainedEntry[],
  { store, codec, concurrency }: DrainParts,
  signal: AbortSignal,
): Promise<(Uploaded | AuditError)[]> {
  return inParallel(rows, concurrency, signal, async (row) => {
    try {
      return await uploadRow(row, store, codec, signal)
    } catch (error) {
      if (error instanceof AuditError) return error
      throw error
    }
  })
}

/** Ascending numbers as ranges without gaps. */
export function runs(seqs: readonly number[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const seq of seqs) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] + 1 === seq) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

function add(left: Drained, right: Drained): Drained {
  return {
    stamped: left.stamped + right.stamped,
    held: left.held + right.held,
    failed: left.failed + right.failed,
    error: left.error ?? right.error,
  }
}
