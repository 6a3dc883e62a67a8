import { type BackOff, backOff } from '../base/back-off.js'
import type { ErrorCode } from '../base/errors.js'
import type { ChainGlance, KeptProgress, Position } from '../ports/reconcile.js'
import type { Verdict } from '../verify/verdict.js'

/** One pass over every row of a chain. Times are milliseconds of one monotonic clock. */
export interface Pass {
  readonly reached: Position
  readonly startedAt: number
}

/** The probe's knowledge of one chain. */
export interface Progress {
  readonly domainId: string
  /** The last seq at the last glance; 0 without rows. */
  readonly end: number
  /** When the chain's head or last row first differed from the verified one; absent while they are equal. */
  readonly changedAt?: number | undefined
  /** The last row that was verified as rows came in. */
  readonly verified?: Position | undefined
  /** When all rows up to the end were last known to be verified. */
  readonly freshAt?: number | undefined
  /** The first pass of this process, while it runs. */
  readonly boot?: Pass | undefined
  /** The current pass after the first one. */
  readonly rolling?: Pass | undefined
  /** When the last completed pass began: every row was verified then or later. */
  readonly fullAt?: number | undefined
  /** The last failure of each kind of segment, kept until a segment of that kind succeeds. */
  readonly failures: Readonly<Partial<Record<SegmentKind, Failure>>>
  /** When a segment of the chain last ended. */
  readonly servedAt: number
}

export type SegmentKind = 'boot' | 'tail' | 'rolling'

/** Why a chain cannot be checked. */
export interface Failure {
  readonly code: ErrorCode
  readonly since: number
  readonly count: number
  readonly notBefore: number
}

/**
 * Returns the progress of a chain when a process starts. The first pass resumes where an earlier process stopped, unless
 * that pass began more than `fullEvery` ago: saved progress is not trusted for longer.
 */
export function beginChain(
  domainId: string,
  kept: KeptProgress | undefined,
  now: number,
  fullEvery: number,
): Progress {
  const boot = kept?.boot
  const isFresh = boot !== undefined && boot.ageSeconds * 1000 < fullEvery
  return {
    domainId,
    end: 0,
    verified: kept?.verified,
    boot: isFresh
      ? { reached: boot.reached, startedAt: now - boot.ageSeconds * 1000 }
      : { reached: { seq: 0 }, startedAt: now },
    fullAt: kept?.fullAgeSeconds === undefined ? undefined : now - kept.fullAgeSeconds * 1000,
    failures: {},
    servedAt: Number.NEGATIVE_INFINITY,
  }
}

/** Returns the progress after a glance at the chain's ends. Without a glance, nothing of the chain exists any more. */
export function afterGlance(chain: Progress, glance: ChainGlance | undefined, now: number): Progress {
  const end = glance?.last?.seq ?? 0
  if (isAsVerified(chain.verified, glance)) return { ...chain, end, changedAt: undefined, freshAt: now }
  return { ...chain, end, changedAt: chain.changedAt ?? now }
}

/** Returns whether head and last row still equal the verified ones: no row is new, and the end was not changed. */
function isAsVerified(verified: Position | undefined, glance: ChainGlance | undefined): boolean {
  if (verified?.hash === undefined || glance?.head === undefined) return false
  const { seq, hash } = verified
  return [glance.head, glance.last].every((end) => end?.seq === seq && end.hash === hash)
}

/** Returns where a segment ended. Without `to` it ended at the end of the chain. */
export function positionAfter({ head, segmentTo }: Verdict, to: number | undefined): Position {
  if (to !== undefined) return head.seq === to ? head : { seq: to }
  return head.seq > 0 ? head : { seq: segmentTo }
}

/** Returns the progress after a segment that ended at `position`. `atEnd`: that is the end of the chain. */
export function advanced(
  chain: Progress,
  { kind, position, atEnd }: { kind: SegmentKind; position: Position; atEnd: boolean },
  now: number,
  period: number,
): Progress {
  const ended = atEnd ? { verified: position, freshAt: now, changedAt: undefined, end: position.seq } : {}
  const next: Progress = {
    ...chain,
    ...ended,
    failures: { ...chain.failures, [kind]: undefined },
    servedAt: now,
  }
  if (kind === 'tail') return { ...next, verified: position }
  const pass = kind === 'boot' ? chain.boot : chain.rolling
  const startedAt = pass?.startedAt ?? now
  if (!atEnd) return { ...next, [kind]: { reached: position, startedAt } }
  const again = kind === 'boot' ? now : Math.max(startedAt + period, now)
  return { ...next, boot: undefined, rolling: { reached: { seq: 0 }, startedAt: again }, fullAt: startedAt }
}

/** The waits before a chain that could not be checked is retried. */
const AFTER_FAILURE: BackOff = { first: 1_000, longest: 30_000, jitter: 0 }

/** Returns the progress after a segment that could not be checked. */
export function failed(chain: Progress, kind: SegmentKind, code: ErrorCode, now: number): Progress {
  const before = chain.failures[kind]
  const count = (before?.count ?? 0) + 1
  const notBefore = now + backOff(AFTER_FAILURE, count)
  const failure = { code, since: before?.since ?? now, count, notBefore }
  return { ...chain, failures: { ...chain.failures, [kind]: failure }, servedAt: now }
}

/**
 * Returns what is saved for the next process. A completed first pass is saved, with its start time, until every chain has
 * completed one: a process that restarts again and again must not trust an old pass for ever.
 */
export function toKeep(chain: Progress, isBooting: boolean, now: number): KeptProgress {
  const { domainId, verified, fullAt } = chain
  const boot = chain.boot ?? { reached: verified ?? { seq: chain.end }, startedAt: chain.fullAt ?? now }
  const age = (at: number) => Math.max(now - at, 0) / 1000
  return {
    domainId,
    ...(verified !== undefined && verified.seq > 0 && { verified }),
    ...(fullAt !== undefined && { fullAgeSeconds: age(fullAt) }),
    ...(isBooting && { boot: { reached: boot.reached, ageSeconds: age(boot.startedAt) } }),
  }
}
