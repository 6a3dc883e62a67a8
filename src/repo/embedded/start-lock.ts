import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { Place } from './place.js'

/** Milliseconds after which the lock of a process that was killed is taken over, between looks, and to wait at most. */
const STALE = 5000
const INTERVAL = 25
const PATIENCE = 400_000

/**
 * Runs `use` while no other process does, or gives up waiting as soon as `done` says that there is nothing left to do.
 * It only saves 20 first starts from doing the same work 20 times: a process that was halted longer than STALE loses
 * the lock unawares, so nothing that must hold may depend on it.
 */
export async function underStartLock(
  place: Place,
  done: () => Promise<boolean>,
  use: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { lock } = await import('proper-lockfile')
  const deadline = performance.now() + PATIENCE
  while (!(await done())) {
    const release = await tryLock(lock, place)
    if (release !== undefined) return use().finally(release)
    if (performance.now() > deadline) throw busy(place)
    await sleep(INTERVAL, undefined, { signal })
  }
}

type Lock = typeof import('proper-lockfile')['lock']

async function tryLock(lock: Lock, place: Place): Promise<(() => Promise<void>) | undefined> {
  try {
    const release = await lock(place.dir, {
      lockfilePath: place.lock,
      realpath: false,
      stale: STALE,
      update: STALE / 5,
      onCompromised: () => undefined,
    })
    return () => release().catch(() => undefined)
  } catch (error) {
    const code = errnoOf(error)
    // ENOENT: the lock was taken away between its making and the look at its time.
    if (code === 'ELOCKED' || (code === 'ENOENT' && existsSync(place.dir))) return undefined
    throw new AuditError('embedded_unavailable', `cannot make ${place.lock}: ${code}`, { cause: error })
  }
}

function busy(place: Place): AuditError {
  return new AuditError('embedded_unavailable', `another process holds ${place.lock} and does not finish`, {
    advice: { code: 'end_other_start' },
  })
}
