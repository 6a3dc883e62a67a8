import { AuditError } from '../../base/errors.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { type BundleVerdict, verifyBundle } from '../../bundle/verify-bundle.js'
import type { ChainHead } from '../../chain/entry.js'
import { openAlerts } from '../../compose/alerts.js'
import type { Context } from '../../compose/context.js'
import { openFileHeads } from '../../compose/read/heads.js'
import { policyIn } from '../../compose/sign/key-root.js'
import type { RowObserver } from '../../ports/verify.js'
import type { ChainNames } from '../flags/chain-names.js'
import { withName } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode, exitStatus } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { verifyHereWords } from '../shell/verify-words.js'
import { machineClock } from '../verify/machine-clock.js'
import { savedPins } from '../verify/pins-file.js'
import { Memory } from '../verify/remember/memory.js'
import { noteNextTime } from '../verify/remember/next-time.js'
import { type ProofOptions, RunJudge } from '../verify/signed/judge.js'
import { RunHeads } from '../verify/signed/run-heads.js'
import { verdictText } from '../verify/text.js'
import type { VerifyWatcher } from '../verify/watcher.js'
import { bundleResult } from './json.js'
import { selectionText } from './text.js'

export interface BundleOptions extends ProofOptions {
  readonly path: string
  readonly domainId?: string | undefined
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
  /** Path of the heads of earlier runs. */
  readonly remember?: string | undefined
  readonly allowFiltered: boolean
  readonly json: boolean
  readonly watcher?: VerifyWatcher | undefined
  readonly names: ChainNames
}

/** Verifies one evidence bundle, without a database. Resolves with 0, 1 or 5, and throws every error. */
export async function runVerifyBundle(
  options: BundleOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path, domainId, allowFiltered, watcher } = options
  const judge = await RunJudge.open(context, options)
  const heads = await headsFor(options, context)
  const alerts = await openAlerts(context, note)
  const findPins = await pinsOf(options)
  const observer = watcher === undefined ? undefined : (id: string) => watcher.observer(id)
  const memory = await Memory.open(options.remember)
  const all = { fromSeq: 1 }
  const rememberedOf = (id: string) => memory?.headsIn(id, all) ?? []
  const request = {
    path,
    domainId,
    allowFiltered,
    pinsOf: findPins,
    rememberedOf,
    now: machineClock(),
    observer,
    headsOf: heads && ((id: string, next?: RowObserver) => heads.ofOne(id, next, signal)),
  }
  const verdict = await withProgress('verify bundle', (onProgress) =>
    verifyBundle(request, nodeHasher, onProgress, signal),
  )
  if (watcher !== undefined) watcher.verified(verdict, verdict.pins)
  else {
    await print(verdict, options, judge, out)
    alerts.raise(verdict)
  }
  for (const doubt of verdict.doubts) reportFailure(doubt, options.json)
  if (verdict.shortfall !== undefined) throw verdict.shortfall
  noteRememberedAbove(verdict, rememberedOf(verdict.domainId))
  const canRemember = verdict.ok && verdict.complete && verdict.end === 'unproven'
  if (memory === undefined && watcher === undefined && canRemember)
    await noteNextTime({ chain: verdict.domainId, source: 'bundle', file: path, json: options.json }, context)
  const code = judge.exitCode
  if (verdict.ok && verdict.complete && code === EXIT.done && exitStatus() === EXIT.done) {
    memory?.see(verdict.domainId, verdict.head, rememberedOf(verdict.domainId).filter(isIn(verdict)))
    await memory?.save()
  }
  return verdict.ok ? code : EXIT.finding
}

/** Returns the signed heads that the command names; undefined where it names no key and no checkpoint, and looks for none. */
async function headsFor(options: BundleOptions, context: Context): Promise<RunHeads | undefined> {
  const { checkpoints = [], domainId } = options
  if (checkpoints.length === 0 && (await policyIn(context)) === undefined) return undefined
  const run = { checkpoints, chain: domainId ?? 'all' }
  return RunHeads.open(run, context, () => openFileHeads(context))
}

/** Notes a remembered head above the rows of a file that does not claim to reach the end of the chain. */
function noteRememberedAbove(
  { segmentTo, selection, domainId }: BundleVerdict,
  heads: readonly ChainHead[],
): void {
  const [head] = [...heads].sort((a, b) => b.seq - a.seq)
  if (head === undefined || selection.toEnd || head.seq <= segmentTo) return
  const verify = verifyHereWords({ source: 'mirror', chain: domainId })
  note(
    `note: the remembered head is row ${head.seq}, and the file ends with row ${segmentTo}: it cannot show whether newer rows were removed; a copy that holds the row can: ${verify} --expect-head ${head.seq}:${head.hash}`,
  )
}

/** Heads outside the rows of a bundle were not compared. */
function isIn({ segmentFrom, segmentTo }: BundleVerdict): (head: ChainHead) => boolean {
  return ({ seq }) => seq >= segmentFrom - 1 && seq <= segmentTo
}

async function pinsOf({
  expectHead,
  expectHeads,
}: BundleOptions): Promise<(domainId: string) => readonly ChainHead[]> {
  if (expectHead !== undefined) return () => [expectHead]
  if (expectHeads === undefined) return () => []
  const { heads } = await savedPins(expectHeads)
  return (domainId) => {
    const pins = heads.get(domainId)
    if (pins !== undefined) return pins
    throw new AuditError('usage', `--expect-heads: the file has no result for chain ${domainId}`)
  }
}

async function print(
  verdict: BundleVerdict,
  options: BundleOptions,
  judge: RunJudge,
  out: Output,
): Promise<void> {
  const concluded = judge.conclude(verdict, verdict.unusable)
  const { selection } = verdict
  const { json, path: file } = options
  const names = await options.names.shown([verdict.domainId])
  if (json) {
    await out.json(withName(bundleResult(verdict, judge.jsonOf(verdict, concluded)), names))
    return
  }
  await out.line(verdictText(verdict, { style: out.style, file, names, concluded }))
  await out.line(`          ${selectionText(selection)}`)
}
