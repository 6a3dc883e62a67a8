import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from '../base/back-off.js'
import { type Failure, post } from './post.js'
import type { WebhookSettings } from './settings.js'

/** How often and how long to try to deliver alerts. */
export interface RetryLimits {
  /** Number of attempts. */
  readonly attempts: number
  /** Milliseconds that one attempt may take. */
  readonly timeout: number
  /** The longest wait in milliseconds before the second attempt. The wait doubles before each later attempt. */
  readonly firstWaitMs: number
  /** Milliseconds in which alerts in flight may finish after the program is asked to stop. */
  readonly drain: number
}

/** At most 23.5 s for an alert: four attempts of 5 s, and 3.5 s of waits in total. */
export const RETRY_LIMITS: RetryLimits = { attempts: 4, timeout: 5_000, firstWaitMs: 500, drain: 3_000 }

/** Delivers one alert, with retries. Resolves with the last failure, or with undefined on success. Never rejects. */
export async function deliver(
  settings: WebhookSettings,
  body: string,
  limits: RetryLimits,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const failure: Failure | undefined = await post(settings, body, limits.timeout, signal)
    if (failure === undefined) return undefined
    const isOver = !failure.retry || attempt >= limits.attempts || signal.aborted
    if (isOver) return attempt === 1 ? failure.why : `${failure.why} at attempt ${attempt}`
    const pause = backOff({ first: limits.firstWaitMs, jitter: 0.5 }, attempt)
    await sleep(pause, undefined, { signal }).catch(() => undefined)
  }
}
