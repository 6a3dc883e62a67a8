import type { AuditError } from '../../base/errors.js'
import { ReportedFailures } from '../../base/reported-failures.js'
import type { Context } from '../../compose/context.js'
import { Signing } from '../../compose/sign/signing.js'
import type { Output } from '../output/output.js'
import { hideCredentials, safeText } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { hintOf } from '../shell/hints.js'
import { SigningLoop } from '../sign/loop.js'
import type { ArchiverOptions } from './archiver-options.js'
import { Draining } from './draining.js'
import { drainedJson } from './json.js'
import { drainedText } from './text.js'
import { uploadDepsOf } from './upload-deps.js'

/** Archives and signs until the signal. Rejects at a bug, and with `schema_newer`: every other failure is reported and retried. */
export async function archiverWorker(
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, pollInterval, initMirror, checkpointInterval } = options
  const deps = await uploadDepsOf(context, { ...options, init: initMirror ? 'begin' : undefined }, note)
  const { runWorker } = await import('../../archive/worker.js')
  const failures = new ReportedFailures()
  const held = new Set<string>()
  const drain = (domainId: string, stop: AbortSignal) => new Draining(deps).again(domainId, stop)
  const signing = new Signing(context, { ...deps, drain }, { begins: 'home' })
  const given = deps.mirrors.given
  const loop = new SigningLoop(signing, { json, out, given, held, interval: checkpointInterval })
  const ending = new AbortController()
  const stop = AbortSignal.any([signal, ending.signal])
  // What ends one of the two ends the other in order.
  const orEnd = (run: Promise<void>) =>
    run.catch((error: unknown) => {
      ending.abort(error)
      throw error
    })
  const archiving = runWorker(
    {
      ...deps,
      pollInterval,
      onStamped: () => undefined,
      onPass: async (domainId, drained) => {
        if (drained.held > 0) held.add(domainId)
        else if (drained.ended === 'all') held.delete(domainId)
        if (drained.stamped === 0) return
        if (json) await out.json(drainedJson(domainId, drained))
        else await out.line(drainedText(domainId, drained))
      },
      onTrouble: (error, wait, domainId = 'Postgres') => {
        if (failures.begin(domainId, error.code))
          for (const line of troubleLines(domainId, error, wait)) note(line)
      },
      onRecovered: (domainId = 'Postgres') => {
        if (failures.end(domainId)) note(`${domainId}: works again`)
      },
    },
    stop,
  )
  const ended = await Promise.allSettled([orEnd(archiving), orEnd(loop.run(stop))])
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return EXIT.done
}

/** Returns what the archiver prints of a failure that begins, or that changes. */
function troubleLines(domainId: string, error: AuditError, wait: number): string[] {
  const text = safeText(hideCredentials(error.message))
  const hint = hintOf(error)
  return [
    `${domainId}: ${text}; trying again, next in ${(wait / 1000).toFixed(1)} s`,
    ...(hint === undefined ? [] : [`  ${safeText(hideCredentials(hint))}`]),
  ]
}
