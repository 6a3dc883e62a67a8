/** How a long run ends: first nothing new is begun, then, if need be, what is under way is given up. */
export interface Stopping {
  readonly stop: AbortSignal
  readonly giveUp: AbortSignal
  /** Ends the run from within: `stop` comes. */
  end(reason: unknown): void
}

/**
 * Milliseconds for uploads that are under way when the signal comes. What they did must still be stamped within the
 * grace of the command line (cli/shell/interruption.ts, 10 s).
 */
const PATIENCE = 6_000

/** Runs `use` with a signal that comes with `stop` or by {@link Stopping.end}, and a second one PATIENCE after it. */
export async function withStopping<T>(
  outer: AbortSignal,
  use: (stopping: Stopping) => Promise<T>,
  patience = PATIENCE,
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
