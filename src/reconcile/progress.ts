import { type BackOff, backOff } from '../base/back-off.js'
import type { ErrorCode } from '../base/errors.js'
import type { ChainGlance, KeptProgress, Position } from '../ports/reconcile.js'
import type { Verdict } from '../verify/verdict.js'

/** A walk over every row of a chain. Times are milliseconds of one monotonic clock. */
export interface Pass {
  readonly reached: Position
  readonly startedAt: number
}

/** What the probe knows of one chain. */
export interface Progress {
  readonly domainId: string
  /** The last row, when the chain was last looked at; 0 without rows. */
  readonly end: number
  /** When its ends first differed from what was verified last; absent while they do not. */
  readonly changedAt?: number | undefined
  /** Up to where rows were verified as they came. */
  readonly verified?: Position | undefined
  /** When everything up to the end was last known to be verified. */
  readonly freshAt?: number | undefined
  /** The first pass of this process, while it is under way. */
  readonly boot?: Pass | undefined
  /** Every pass after it. */
  readonly rolling?: Pass | undefined
  /** When the pass began that last reached the end: every row was verified then or later. */
  readonly fullAt?: number | undefined
  /** By what was to be done when it could not be checked; each stands until that very thing could be done. */
  readonly failures: Readonly<Partial<Record<SegmentKind, Failure>>>
  /** When it was last turned to. */
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
 * A chain as a process finds it. The first pass goes on from where another process was, unless that one began more than
 * `fullEvery` ago: nothing that is kept is believed for longer.
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

/** After a look at the ends of the chain; without one nothing of it is there any more. */
export function seen(chain: Progress, glance: ChainGlance | undefined, now: number): Progress {
  const end = glance?.last?.seq ?? 0
  if (isAsVerified(chain.verified, glance)) return { ...chain, end, changedAt: undefined, freshAt: now }
  return { ...chain, end, changedAt: chain.changedAt ?? now }
}

/** Head and last row are still the ones that were verified: nothing is new, and nothing of the end was touched. */
function isAsVerified(verified: Position | undefined, glance: ChainGlance | undefined): boolean {
  if (verified?.hash === undefined || glance?.head === undefined) return false
  const { seq, hash } = verified
  return [glance.head, glance.last].every((end) => end?.seq === seq && end.hash === hash)
}

/** Where a segment ended. `to` absent: at the end of the chain. */
export function positionAfter({ head, segmentTo }: Verdict, to: number | undefined): Position {
  if (to !== undefined) return head.seq === to ? head : { seq: to }
  return head.seq > 0 ? head : { seq: segmentTo }
}

/** After a segment; `position` is where it ended, `atEnd` whether that was the end of the chain. */
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

/** Waits before a chain that could not be checked is tried again. */
const AFTER_FAILURE: BackOff = { first: 1_000, longest: 30_000, jitter: 0 }

export function failed(chain: Progress, kind: SegmentKind, code: ErrorCode, now: number): Progress {
  const before = chain.failures[kind]
  const count = (before?.count ?? 0) + 1
  const notBefore = now + backOff(AFTER_FAILURE, count)
  const failure = { code, since: before?.since ?? now, count, notBefore }
  return { ...chain, failures: { ...chain.failures, [kind]: failure }, servedAt: now }
}

/**
 * What of it is kept for the next process. A first pass that is through is kept until those of all chains are, with the
 * time of its beginning: one that restarts again and again must not believe for ever what the first one saw.
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
