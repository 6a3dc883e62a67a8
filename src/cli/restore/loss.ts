import { secondsAhead } from '../../chain/row-time.js'
import type { RestoredChain } from '../../restore/restore-chain.js'
import { machineClock } from '../verify/machine-clock.js'

/**
 * Returns the seconds from when the newest row was recorded to when its object was stored, never below 0; undefined where
 * the store does not know, and where the row is ahead of the store's clock. The times come from the clocks of two machines.
 */
export function lagSeconds({ lastRecordedAt, storedAt }: RestoredChain): number | undefined {
  if (storedAt === undefined || secondsAhead(lastRecordedAt, storedAt) !== undefined) return undefined
  return secondsBetween(lastRecordedAt, storedAt)
}

/** How old the newest row is, in seconds; or how far it is ahead of this machine's clock, so that its age is unknown. */
export type NewestRow = { readonly age: number } | { readonly ahead: number }

/** Compares the newest row with this machine's clock. */
export function newestRow({ lastRecordedAt }: RestoredChain): NewestRow {
  const now = machineClock()
  const ahead = secondsAhead(lastRecordedAt, now)
  return ahead === undefined ? { age: secondsBetween(lastRecordedAt, now) } : { ahead }
}

function secondsBetween(from: bigint, to: bigint): number {
  return Math.max(0, Math.round(Number(to - from) / 1_000_000))
}
