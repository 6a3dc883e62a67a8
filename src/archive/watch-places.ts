import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from '../base/back-off.js'
import { type AuditError, isRetryable } from '../base/errors.js'
import { AFTER_FAILURE } from './chain-schedule.js'
import { judgePlaces, type PlaceFailure, type PlacesDeps } from './places.js'
import type { Stopping } from './stopping.js'

export interface WatchDeps extends PlacesDeps {
  /** Reports a failure that is retried after `wait` milliseconds. */
  readonly onTrouble: (error: AuditError, wait: number, domainId: string) => void
  readonly onRecovered: (domainId: string) => void
}

const NONE: ReadonlySet<string> = new Set()

/**
 * Judges the place of each chain when the archiver starts, and again until each is the mirror: an idle archiver also reports a
 * wrong place. The passes judge it after that. Resolves then, or at the signal. Rejects at a bug, and with `schema_newer`.
 */
export async function watchPlaces(deps: WatchDeps, { stop, giveUp }: Stopping): Promise<void> {
  let failed: readonly PlaceFailure[] = []
  for (let tries = 1; !stop.aborted; tries += 1) {
    const wait = backOff(AFTER_FAILURE, tries)
    const judged = await tryJudge(deps, giveUp)
    if (stop.aborted) return
    if (judged !== undefined) report(deps, failed, judged, wait)
    if (judged?.length === 0) return
    failed = judged ?? failed
    await sleep(wait, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** Resolves with undefined where PostgreSQL fails, which the worker reports, and where `giveUp` came first. */
async function tryJudge(deps: WatchDeps, giveUp: AbortSignal): Promise<readonly PlaceFailure[] | undefined> {
  try {
    return await judgePlaces(deps, NONE, giveUp)
  } catch (error) {
    if (giveUp.aborted || isRetryable(error)) return undefined
    throw error
  }
}

function report(
  { onTrouble, onRecovered }: WatchDeps,
  before: readonly PlaceFailure[],
  now: readonly PlaceFailure[],
  wait: number,
): void {
  const failing = new Set(now.map(({ domainId }) => domainId))
  for (const { domainId } of before) if (!failing.has(domainId)) onRecovered(domainId)
  for (const { error, domainId } of now) onTrouble(error, wait, domainId)
}
