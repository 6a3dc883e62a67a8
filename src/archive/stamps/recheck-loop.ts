import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from '../../base/back-off.js'
import { type AuditError, isRetryable } from '../../base/errors.js'
import { inParallel } from '../../base/parallel/in-parallel.js'
import { AFTER_FAILURE } from '../chain-schedule.js'
import type { ClaimingChain } from '../mirrors.js'
import type { PlacesDeps } from '../places.js'
import type { Stopping } from '../stopping.js'
import { type RecheckDeps, recheckChain } from './recheck.js'

/** Milliseconds between two comparisons of all rows with their stamps. */
const INTERVAL = 3_600_000

/** Chains that are compared at once. Uploads go on meanwhile. */
const AT_ONCE = 2

export interface RecheckLoopDeps extends RecheckDeps, Pick<PlacesDeps, 'chains'> {
  readonly onTrouble: (error: AuditError, wait: number, domainId?: string) => void
  readonly onRecovered: (domainId: string) => void
}

/**
 * Compares every chain with its stamps and its mirror when the archiver starts, and then once an interval. Resolves at the signal.
 * Rejects at a bug, and with `schema_newer`.
 */
export async function recheckAll(
  deps: RecheckLoopDeps,
  { stop }: Stopping,
  interval = INTERVAL,
): Promise<void> {
  const failing = new Set<string>()
  for (let tries = 1; !stop.aborted; ) {
    const chains = await orRetry(deps.chains())
    const wait = chains === undefined ? backOff(AFTER_FAILURE, tries) : interval
    tries = chains === undefined ? tries + 1 : 1
    await inParallel(
      chains ?? [],
      AT_ONCE,
      () => stop.aborted,
      (chain) => recheck(chain, deps, failing, interval, stop),
    )
    await sleep(wait, undefined, { signal: stop }).catch(() => undefined)
  }
}

async function recheck(
  chain: ClaimingChain,
  deps: RecheckLoopDeps,
  failing: Set<string>,
  interval: number,
  stop: AbortSignal,
): Promise<void> {
  const { domainId } = chain
  const error = await failureOf(recheckChain(chain, deps, stop), stop)
  if (error !== undefined) deps.onTrouble(error, interval, domainId)
  else if (failing.has(domainId)) deps.onRecovered(domainId)
  if (error === undefined) failing.delete(domainId)
  else failing.add(domainId)
}

/** Resolves with undefined where the call succeeded, and where the signal ended it. */
async function failureOf(
  call: Promise<{ readonly error?: AuditError | undefined } | undefined>,
  stop: AbortSignal,
): Promise<AuditError | undefined> {
  try {
    return (await call)?.error
  } catch (error) {
    if (isRetryable(error)) return error
    if (stop.aborted) return undefined
    throw error
  }
}

/** Resolves with undefined where PostgreSQL fails, which the worker reports. */
async function orRetry<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isRetryable(error)) return undefined
    throw error
  }
}
