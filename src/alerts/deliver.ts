import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from '../base/back-off.js'
import { post, type Refused } from './post.js'
import type { WebhookSettings } from './settings.js'

export interface Patience {
  /** Number of attempts. */
  readonly attempts: number
  /** Milliseconds that one attempt may take. */
  readonly timeout: number
  /** Milliseconds before the second attempt at most. The wait doubles for each attempt after it. */
  readonly backOff: number
  /** Milliseconds for alerts in flight when the program is asked to stop. */
  readonly drain: number
}

/** At most 24 s: four attempts of 5 s, and 3.5 s between them. */
export const PATIENCE: Patience = { attempts: 4, timeout: 5_000, backOff: 500, drain: 3_000 }

/** Delivers one alert, with retries. Resolves with the last failure, or with undefined on success. Never rejects. */
export async function deliver(
  settings: WebhookSettings,
  body: string,
  patience: Patience,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const refused: Refused = await post(settings, body, patience.timeout, signal)
    if (refused === undefined) return undefined
    const isOver = !refused.retry || attempt >= patience.attempts || signal.aborted
    if (isOver) return attempt === 1 ? refused.why : `${refused.why} at attempt ${attempt}`
    const pause = backOff({ first: patience.backOff, jitter: 0.5 }, attempt)
    await sleep(pause, undefined, { signal }).catch(() => undefined)
  }
}
