import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { HomePaths } from './home-paths.js'

/** Milliseconds after which the lock of a killed process is stale. */
const STALE = 5000
/** Milliseconds between two tries. */
const INTERVAL = 25
/** Milliseconds to wait for the lock at most. */
const TIMEOUT = 400_000

/**
 * Runs `use` under a lock between processes, or resolves without it as soon as `done` returns true. The lock only saves
 * 20 concurrent first starts from doing the same work 20 times. A process that was suspended for longer than STALE loses
 * the lock without noticing, so correctness must not depend on it.
 */
export async function underStartLock(
  paths: HomePaths,
  done: () => Promise<boolean>,
  use: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { lock } = await import('proper-lockfile')
  const deadline = performance.now() + TIMEOUT
  while (!(await done())) {
    const release = await tryLock(lock, paths)
    if (release !== undefined) return use().finally(release)
    if (performance.now() > deadline) throw busy(paths)
    await sleep(INTERVAL, undefined, { signal })
  }
}

type Lock = typeof import('proper-lockfile')['lock']

async function tryLock(lock: Lock, paths: HomePaths): Promise<(() => Promise<void>) | undefined> {
  try {
    const release = await lock(paths.dir, {
      lockfilePath: paths.lock,
      realpath: false,
      stale: STALE,
      update: STALE / 5,
      onCompromised: () => undefined,
    })
    return () => release().catch(() => undefined)
  } catch (error) {
    const code = errnoOf(error)
    // ENOENT means that the lock was removed after it was created and before its time was read.
    if (code === 'ELOCKED' || (code === 'ENOENT' && existsSync(paths.dir))) return undefined
    throw new AuditError('embedded_unavailable', `cannot create ${paths.lock}: ${code}`, { cause: error })
  }
}

function busy(paths: HomePaths): AuditError {
  return new AuditError(
    'embedded_unavailable',
    `another process holds ${paths.lock} and did not release it in time`,
    {
      advice: { code: 'end_other_start' },
    },
  )
}
