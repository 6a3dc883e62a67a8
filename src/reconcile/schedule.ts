import type { ChainHead } from '../chain/entry.js'
import type { Position } from '../ports/reconcile.js'
import type { Progress, SegmentKind } from './progress.js'

/** How a probe goes about it; times in milliseconds. */
export interface ProbeSettings {
  /** Between two looks for new rows. */
  readonly every: number
  /** Within that every row is verified again. */
  readonly fullEvery: number
  /** Segments under way at once. */
  readonly concurrency: number
  /** For what may pass by itself: a failover, a connection that was cut. */
  readonly patience: number
}

/** Rows to be verified in one go. */
export interface Segment {
  readonly domainId: string
  readonly kind: SegmentKind
  readonly from: number
  /** Absent: to the end, and with it the chain head. */
  readonly to?: number | undefined
  /** Heads that were verified before and must still be there. */
  readonly pins: readonly ChainHead[]
}

/** Rows of a segment where time counts; from 20,000 on a worker thread hashes them (repo/verify/postgres-source.ts). */
export const LARGE_SEGMENT = 100_000

/** A rolling pass is cut in this many steps, each of at least and at most so many rows. */
const STEPS = 100
const SMALLEST_STEP = 1_000
const LARGEST_STEP = 50_000

/** Of `fullEvery`: what is left over is for a slow hour, a restart, and for chains that grow meanwhile. */
const SHARE = 0.8

/** Milliseconds that one rolling pass is to take. */
export function periodOf({ fullEvery }: ProbeSettings): number {
  return fullEvery * SHARE
}

/** Rows of one step of a rolling pass over `rows`. */
export function stepOf(rows: number): number {
  return Math.min(Math.max(Math.ceil(rows / STEPS), SMALLEST_STEP), LARGEST_STEP)
}

/**
 * When the next step of the chain's rolling pass is to be made: each at the end of the time that its rows have of the
 * period, so that the work is spread evenly, and no burst of small chains follows their first pass.
 */
export function rollingDueAt({ rolling, end }: Progress, settings: ProbeSettings): number {
  if (rolling === undefined) return Number.POSITIVE_INFINITY
  const done = end === 0 ? 1 : Math.min(rolling.reached.seq + stepOf(end), end) / end
  return rolling.startedAt + periodOf(settings) * done
}

interface Due {
  readonly chain: Progress
  readonly kind: SegmentKind
  readonly at: number
}

/** What is to be done for a chain, most urgent first: its new rows before a row of which nothing new is known. */
function dueOf(chain: Progress, settings: ProbeSettings): readonly Due[] {
  const { boot, changedAt, failures, servedAt } = chain
  const due = (kind: SegmentKind, at: number): Due => ({
    chain,
    kind,
    at: Math.max(at, failures[kind]?.notBefore ?? Number.NEGATIVE_INFINITY),
  })
  if (boot !== undefined) return [due('boot', servedAt)]
  const rolling = due('rolling', rollingDueAt(chain, settings))
  // Also where the end is as it was again: what could not be checked there must be.
  const isTail = changedAt !== undefined || failures.tail !== undefined
  return isTail ? [due('tail', changedAt ?? servedAt), rolling] : [rolling]
}

/** What to verify now, at most `slots` segments of as many chains, and when to ask again if nothing else happens. */
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

/** Keeps the most urgent: a sort of all would cost more than the work itself where there are thousands of chains. */
function choose(chosen: Due[], one: Due, slots: number): void {
  const before = chosen.findIndex((other) => byUrgency(one, other) < 0)
  if (before >= 0) chosen.splice(before, 0, one)
  else if (chosen.length < slots) chosen.push(one)
  if (chosen.length > slots) chosen.pop()
}

/** New rows first, or passes that are late would keep them waiting for ever; of the rest what has waited longest. */
function byUrgency(a: Due, b: Due): number {
  const rank = ({ kind }: Due) => (kind === 'tail' ? 0 : 1)
  return rank(a) - rank(b) || (a.at === b.at ? 0 : a.at - b.at)
}

function segmentOf(chain: Progress, kind: SegmentKind): Segment {
  const { domainId, end, verified } = chain
  const pass = kind === 'boot' ? chain.boot : chain.rolling
  const reached = kind === 'tail' ? verified : pass?.reached
  const size = kind === 'rolling' ? stepOf(end) : LARGE_SEGMENT
  // New rows are verified together with the one that they link to, and a chain that has become shorter from its end on.
  const after = (reached?.seq ?? 0) + (kind === 'tail' ? 0 : 1)
  const from = Math.max(Math.min(after, end), 1)
  const to = from + size - 1 >= end ? undefined : from + size - 1
  return { domainId, kind, from, to, pins: pinsIn(from, to, [reached, verified]) }
}

/** Those that the segment, or the row before it, must hold; none beyond a segment that ends within the chain. */
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
