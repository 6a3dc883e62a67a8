/** Milliseconds after which the lock of a process that died is taken over. */
const STALE = 5_000
/** Attempts, one every 50 ms: longer than a lock can be left behind. A lock is held for a few milliseconds. */
const ATTEMPTS = 200
const PAUSE = 50

/**
 * Runs `work` while this process alone has the lock of a file, which need not exist. Rejects with the error of the file
 * system, and with the code ELOCKED where another process keeps the lock.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { lock } = await import('proper-lockfile')
  const retries = { retries: ATTEMPTS, factor: 1, minTimeout: PAUSE, maxTimeout: PAUSE }
  const release = await lock(path, { realpath: false, stale: STALE, retries, onCompromised: () => undefined })
  try {
    return await work()
  } finally {
    await release().catch(() => undefined)
  }
}
