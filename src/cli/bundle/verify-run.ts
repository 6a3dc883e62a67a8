import { AuditError } from '../../base/errors.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { type BundleVerdict, verifyBundle } from '../../bundle/verify-bundle.js'
import type { ChainHead } from '../../chain/entry.js'
import { openAlerts } from '../../compose/alerts.js'
import type { Context } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { note } from '../output/streams.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { savedPins } from '../verify/pins-file.js'
import { verdictText } from '../verify/text.js'
import { bundleResult } from './json.js'
import { selectionText } from './text.js'

export interface BundleOptions {
  readonly path: string
  readonly domainId?: string | undefined
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
  readonly allowFiltered: boolean
  readonly json: boolean
}

/** Verifies one evidence bundle, without a database. Resolves with 0 or 1, and throws every error. */
export async function runVerifyBundle(
  options: BundleOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path, domainId, allowFiltered } = options
  const alerts = await openAlerts(context, note)
  const request = { path, domainId, allowFiltered, pinsOf: await pinsOf(options) }
  const verdict = await withProgress('verify bundle', (onProgress) =>
    verifyBundle(request, nodeHasher, onProgress, signal),
  )
  await print(verdict, options.json, out)
  alerts.raise(verdict)
  if (verdict.shortfall !== undefined) throw verdict.shortfall
  return verdict.ok ? EXIT.done : EXIT.finding
}

async function pinsOf({
  expectHead,
  expectHeads,
}: BundleOptions): Promise<(domainId: string) => readonly ChainHead[]> {
  if (expectHead !== undefined) return () => [expectHead]
  if (expectHeads === undefined) return () => []
  const saved = await savedPins(expectHeads)
  return (domainId) => {
    const pins = saved.get(domainId)
    if (pins !== undefined) return pins
    throw new AuditError('usage', `--expect-heads: the file has no result for chain ${domainId}`)
  }
}

async function print(verdict: BundleVerdict, json: boolean, out: Output): Promise<void> {
  const { shortfall, selection } = verdict
  if (json) {
    await out.json(bundleResult(verdict))
    return
  }
  // An intact selection is no divergence, and must not look like a whole chain either.
  await out.line(verdictText(verdict, shortfall === undefined ? undefined : 'PARTIAL '))
  await out.line(`          ${selectionText(selection)}`)
}
