import { EXIT, exitStatus, raiseExit } from './exit-codes.js'

/** Milliseconds for an orderly stop, because the sender of the signal is waiting. */
const GRACE = 10_000

const EXIT_BY_SIGNAL = { SIGINT: EXIT.sigint, SIGTERM: EXIT.sigterm } as const
type StopSignal = keyof typeof EXIT_BY_SIGNAL

/** The reason of the abort. An operation that rejects with it was stopped; it did not fail. */
class Interrupted extends Error {
  override readonly name = 'AbortError'
}

const controller = new AbortController()

/** Aborts at the first SIGINT or SIGTERM. */
export const interruption: AbortSignal = controller.signal

/** The first signal starts an orderly stop; the second signal or the time-out forces the end. */
export function stopOnSignals(): void {
  for (const name of Object.keys(EXIT_BY_SIGNAL) as StopSignal[]) process.on(name, () => stop(name))
}

function stop(name: StopSignal): void {
  raiseExit(EXIT_BY_SIGNAL[name])
  if (interruption.aborted) process.exit(exitStatus())
  controller.abort(new Interrupted(name))
  setTimeout(() => process.exit(exitStatus()), GRACE).unref()
}

/** Returns whether an error only follows from the requested stop. */
export function isInterruption(error: unknown): boolean {
  if (!interruption.aborted || !(error instanceof Error)) return false
  return error === interruption.reason || error.cause === interruption.reason || error.name === 'AbortError'
}
