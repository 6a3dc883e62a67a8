import type { ChainHead } from '../chain/entry.js'
import type { Position } from '../ports/reconcile.js'
import type { Progress, SegmentKind } from './progress.js'

/** The settings of the probe. Times are milliseconds. */
export interface ProbeSettings {
  /** The polling interval for new rows. */
  readonly every: number
  /** The probe re-verifies every row within this time. */
  readonly fullEvery: number
  /** Segments verified at once. */
  readonly concurrency: number
  /** Time for failures that may pass by themselves: a failover, a broken connection. */
  readonly patience: number
}

/** Rows to verify with one scan. */
export interface Segment {
  readonly domainId: string
  readonly kind: SegmentKind
  readonly from: number
  /** Absent: up to the end, the chain head included. */
  readonly to?: number | undefined
  /** Heads that were verified before and must still be in the chain. */
  readonly pins: readonly ChainHead[]
}

/**
 * Rows of a segment of the first pass, or of new rows. From THREAD_ROWS on (repo/verify/postgres-source.ts) a worker thread
 * hashes them.
 */
export const LARGE_SEGMENT = 100_000

/** A rolling pass has this many steps, each between SMALLEST_STEP and LARGEST_STEP rows. */
const STEPS = 100
const SMALLEST_STEP = 1_000
const LARGEST_STEP = 50_000

/** The share of `fullEvery` that a rolling pass takes. The rest is slack for slow hours, restarts and growing chains. */
const SHARE = 0.8

/** Returns the milliseconds that one rolling pass takes. */
export function periodOf({ fullEvery }: ProbeSettings): number {
  return fullEvery * SHARE
}

/** Returns the rows of one step of a rolling pass over `rows` rows. */
export function stepOf(rows: number): number {
  return Math.min(Math.max(Math.ceil(rows / STEPS), SMALLEST_STEP), LARGEST_STEP)
}

/**
 * Returns when the next step of the chain's rolling pass is due. A step is due at the end of its rows' share of the period.
 * This spreads the work evenly, and the small chains do not all start right after their first pass.
 */
function rollingDueAt({ rolling, end }: Progress, settings: ProbeSettings): number {
  if (rolling === undefined) return Number.POSITIVE_INFINITY
  const done = end === 0 ? 1 : Math.min(rolling.reached.seq + stepOf(end), end) / end
  return rolling.startedAt + periodOf(settings) * done
}

interface Due {
  readonly chain: Progress
  readonly kind: SegmentKind
  readonly at: number
}

/** Returns the work that is due on a chain, most urgent first: new rows before rows that were verified before. */
function dueOf(chain: Progress, settings: ProbeSettings): readonly Due[] {
  const { boot, changedAt, failures, servedAt } = chain
  const due = (kind: SegmentKind, at: number): Due => ({
    chain,
    kind,
    at: Math.max(at, failures[kind]?.notBefore ?? Number.NEGATIVE_INFINITY),
  })
  if (boot !== undefined) return [due('boot', servedAt)]
  const rolling = due('rolling', rollingDueAt(chain, settings))
  // Also if the end has returned to the verified state: a tail that could not be checked must still be checked.
  const isTail = changedAt !== undefined || failures.tail !== undefined
  return isTail ? [due('tail', changedAt ?? servedAt), rolling] : [rolling]
}

/** Returns at most `slots` segments to verify now, one a chain, and when to ask again if nothing else happens. */
export function nextWork(
  chains: Iterable<Progress>,
  now: number,
  settings: ProbeSettings,
  slots: number,
): { readonly segments: readonly Segment[]; readonly wakeAt: number } {
  const chosen: Due[] = []
  let wakeAt = Number.POSITIVE_INFINITY
  for (const chain of chains) {
    const own = dueOf(chain, settings)
    const first = own.find(({ at }) => at <= now)
    if (first !== undefined) choose(chosen, first, slots)
    else wakeAt = Math.min(wakeAt, ...own.map(({ at }) => at))
  }
  return { segments: chosen.map(({ chain, kind }) => segmentOf(chain, kind)), wakeAt }
}

/** Keeps the most urgent segments. With thousands of chains, sorting all of them would cost more than the work itself. */
function choose(chosen: Due[], one: Due, slots: number): void {
  const before = chosen.findIndex((other) => byUrgency(one, other) < 0)
  if (before >= 0) chosen.splice(before, 0, one)
  else if (chosen.length < slots) chosen.push(one)
  if (chosen.length > slots) chosen.pop()
}

/** Orders new rows first, because late passes could block them for ever; then by the longest wait. */
function byUrgency(a: Due, b: Due): number {
  const rank = ({ kind }: Due) => (kind === 'tail' ? 0 : 1)
  return rank(a) - rank(b) || (a.at === b.at ? 0 : a.at - b.at)
}

function segmentOf(chain: Progress, kind: SegmentKind): Segment {
  const { domainId, end, verified } = chain
  const pass = kind === 'boot' ? chain.boot : chain.rolling
  const reached = kind === 'tail' ? verified : pass?.reached
  const size = kind === 'rolling' ? stepOf(end) : LARGE_SEGMENT
  // A tail begins with the row that the new rows link to, or with the end of a chain that has become shorter.
  const after = (reached?.seq ?? 0) + (kind === 'tail' ? 0 : 1)
  const from = Math.max(Math.min(after, end), 1)
  const to = from + size - 1 >= end ? undefined : from + size - 1
  return { domainId, kind, from, to, pins: pinsIn(from, to, [reached, verified]) }
}

/** Returns the heads that the segment or the row before it must contain. Heads after the segment are left out. */
function pinsIn(
  from: number,
  to: number | undefined,
  positions: readonly (Position | undefined)[],
): ChainHead[] {
  const pins = new Map<string, ChainHead>()
  for (const position of positions) {
    if (position?.hash === undefined || position.seq < 1 || position.seq < from - 1) continue
    if (to === undefined || position.seq <= to) {
      pins.set(`${position.seq}:${position.hash}`, { seq: position.seq, hash: position.hash })
    }
  }
  return [...pins.values()]
}
