import type { RestoredChain } from '../../restore/restore-chain.js'

/**
 * Returns the seconds from when the newest row was recorded to when its object was stored; undefined where the store does
 * not know. The two times come from the clocks of two machines: the result is never below 0.
 */
export function lagSeconds({ lastRecordedAt, storedAt }: RestoredChain): number | undefined {
  return storedAt === undefined ? undefined : secondsBetween(lastRecordedAt, storedAt)
}

/** Returns the age of the newest row in seconds, never below 0. */
export function ageSeconds({ lastRecordedAt }: RestoredChain): number {
  return secondsBetween(lastRecordedAt, BigInt(Date.now()) * 1_000n)
}

function secondsBetween(from: bigint, to: bigint): number {
  return Math.max(0, Math.round(Number(to - from) / 1_000_000))
}
