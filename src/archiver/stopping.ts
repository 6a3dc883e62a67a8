/** How a long run ends: first nothing new is begun, then, if need be, what is under way is given up. */
export interface Stopping {
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
}

/**
 * Milliseconds for uploads that are under way when the signal comes. What they did must still be stamped within the
 * grace of the command line (cli/interruption.ts, 10 s).
 */
const PATIENCE = 6_000

/** Runs `use` with a second signal that comes PATIENCE after the first. */
export async function withStopping<T>(
  stop: AbortSignal,
  use: (stopping: Stopping) => Promise<T>,
  patience = PATIENCE,
): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onStop = () => {
    timer = setTimeout(() => controller.abort(stop.reason), patience)
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  try {
    return await use({ stop, giveUp: controller.signal })
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}
