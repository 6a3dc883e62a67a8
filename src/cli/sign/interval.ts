import { durationFlag, HOUR, SECOND } from '../flags/duration.js'

/** Milliseconds between two signatures of a chain that grows, where no other time is given (tlog.md, constants). */
const INTERVAL = 60 * SECOND
/** The same where many chains grow. */
const LONG_INTERVAL = 5 * 60 * SECOND
/** Growing chains above which the long interval is the default. */
const MANY_CHAINS = 1_000

export const checkpointIntervalFlag = durationFlag({
  min: 0,
  max: 24 * HOUR,
  bareSeconds: true,
  summary:
    'time between two signatures of a chain that grows, such as 60s or 5m; 0: never; default: 60s, and 5m above 1,000 growing chains',
})

/** Returns the milliseconds until the next pass of the signer. `given`: the value of the flag; `growing`: the chains that had grown. */
export function pauseAfter(given: number | undefined, growing: number): number {
  return given ?? (growing > MANY_CHAINS ? LONG_INTERVAL : INTERVAL)
}
