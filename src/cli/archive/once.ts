import type { ChainDrained } from '../../archive/once.js'
import type { PlaceFailure } from '../../archive/places.js'
import { NO_CLAIMS } from '../../base/domain-claims.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import { Signing } from '../../compose/sign/signing.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { interruptedText, type WorkProgress } from '../output/progress-line.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode, worstExit } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { type PassResult, printPass, runPass, signedSummary } from '../sign/pass.js'
import type { ArchiverOptions } from './archiver-options.js'
import { Draining } from './draining.js'
import { drainedJson } from './json.js'
import { drainedText } from './text.js'
import { type UploadDeps, uploadDepsOf } from './upload-deps.js'

/**
 * Runs one pass: archives every chain, and signs those that grew. Prints nothing while the progress is shown. Resolves with 0 where
 * every row is archived, and with 1 where something was found.
 */
export async function archiverOnce(
  options: ArchiverOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, initMirror } = options
  const notes: string[] = []
  const init = initMirror ? 'begin' : undefined
  const deps = await uploadDepsOf(context, { ...options, init }, (line) => notes.push(line))
  const draining = new Draining(deps)
  const signing = new Signing(context, { ...deps, drain: draining.again }, { begins: 'home' })
  const places = await drainAll(draining, initMirror ? orPlatform(deps) : deps.chains, signal)
  const pass = signal.aborted ? undefined : await runPass(signing, { held: draining.held }, signal)
  for (const line of notes) note(line)
  for (const chain of draining.chains) await printChain(chain, json, out)
  for (const { error } of places) reportFailure(error, json)
  const errors = [...places, ...draining.chains.map(({ drained }) => drained)].map(({ error }) => error)
  const reported = new Set(errors.map((error) => error?.message ?? ''))
  const printer = { json, out, given: deps.mirrors.given, reported }
  const signed = pass === undefined ? EXIT.done : await printPass(pass, printer)
  await printTotal(draining.chains, pass, json, out, places.length > 0)
  const found = draining.chains.some(({ drained }) => drained.findings + drained.held > 0)
  return worstExit([found ? EXIT.finding : EXIT.done, signed])
}

/** Archives every chain, and judges the places of the others. */
async function drainAll(
  draining: Draining,
  chains: UploadDeps['chains'],
  signal: AbortSignal,
): Promise<readonly PlaceFailure[]> {
  let at: WorkProgress = { rows: 0, total: 0 }
  let places: readonly PlaceFailure[] = []
  await withProgress(
    'archive',
    async (onProgress) => {
      at = await draining.all(onProgress, signal)
      if (!signal.aborted) places = await draining.places(chains, signal)
    },
    'writing',
  )
  if (signal.aborted) note(interruptedText('archive', at, 'writing'))
  return places
}

async function printChain({ domainId, drained }: ChainDrained, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(drainedJson(domainId, drained))
  else await out.line(drainedText(domainId, drained))
  if (drained.error !== undefined) reportFailure(drained.error, json)
}

/** A database without rows has no place to judge. Its first chain will be the platform chain, so its mirror can be begun. */
function orPlatform(deps: UploadDeps): UploadDeps['chains'] {
  return async () => {
    const all = await deps.chains()
    return all.length > 0 ? all : [{ domainId: PLATFORM_ANCHOR, claims: NO_CLAIMS }]
  }
}

async function printTotal(
  chains: readonly ChainDrained[],
  pass: PassResult | undefined,
  json: boolean,
  out: Output,
  hasFailed: boolean,
): Promise<void> {
  const sum = (of: 'stamped' | 'held' | 'failed') =>
    chains.reduce((total, { drained }) => total + drained[of], 0)
  const [archived, held, failed] = [sum('stamped'), sum('held'), sum('failed')]
  const summary = { chains: chains.length, archived, held, failed, ...signedSummary(pass) }
  const isIdle = chains.length === 0 && !(pass !== undefined && 'chains' in pass && pass.chains.length > 0)
  if (json) await out.json({ summary })
  else if (isIdle && !hasFailed) note('nothing to archive')
}
