/** How a long run ends: at `stop` nothing new begins, and at `giveUp` what still runs is aborted. */
export interface Stopping {
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
  /** Ends the run from within, by aborting `stop`. */
  end(reason: unknown): void
}

/**
 * Milliseconds that uploads in flight may take after the signal. Their rows must then be stamped within the grace period
 * of the command line, which is 10 s (cli/shell/interruption.ts).
 */
const GIVE_UP_AFTER = 6_000

/** Runs `use` with a `stop` signal, aborted by `outer` or {@link Stopping.end}, and a `giveUp` signal `patience` later. */
export async function withStopping<T>(
  outer: AbortSignal,
  use: (stopping: Stopping) => Promise<T>,
  patience = GIVE_UP_AFTER,
): Promise<T> {
  const [stopper, quitter] = [new AbortController(), new AbortController()]
  const stop = stopper.signal
  let timer: NodeJS.Timeout | undefined
  stop.addEventListener('abort', () => {
    timer = setTimeout(() => quitter.abort(stop.reason), patience)
  })
  const onOuter = () => stopper.abort(outer.reason)
  if (outer.aborted) onOuter()
  else outer.addEventListener('abort', onOuter, { once: true })
  try {
    return await use({ stop, giveUp: quitter.signal, end: (reason) => stopper.abort(reason) })
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', onOuter)
  }
}
