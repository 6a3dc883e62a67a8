import type { Backfilled } from '../../archive/backfill.js'
import { alertsOf } from '../../compose/alerts.js'
import { archiveOf } from '../../compose/archive.js'
import type { Context } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Chains, eachChain } from '../shell/each-chain.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { backfilledJson, statusJson } from './json.js'
import { BACKFILL_HEAD, backfilledRow, foundText, STATUS_HEAD, statusNotes, statusRow } from './text.js'
import { uploadDepsOf } from './upload-deps.js'

export interface BackfillOptions extends Chains {
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  readonly dryRun: boolean
  readonly concurrency: number
}

/** Resolves with 1 where rows or objects were found damaged or gone; what could not be done is reported chain by chain. */
export async function runBackfill(
  options: BackfillOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, dryRun, fromSeq, toSeq } = options
  const alerts = await alertsOf(context)
  const archive = { ...(await archiveOf(context, options.concurrency)), alerts }
  const { backfillChain } = await import('../../archive/backfill.js')
  const notes: string[] = []
  const parts = { ...(await uploadDepsOf(archive, (line) => notes.push(line))), ledger: archive.ledger }
  let found = false
  await eachChain(options, context, out, signal, {
    label: 'backfill',
    head: BACKFILL_HEAD,
    work: (domainId, onProgress) =>
      backfillChain({ domainId, fromSeq, toSeq, dryRun }, { ...parts, onProgress }, signal),
    toRow: backfilledRow,
    toJson: (backfilled) => backfilledJson(backfilled, dryRun),
    after: (backfilled) => {
      for (const line of notes.splice(0)) note(line)
      tellDryFindings(backfilled, dryRun)
      found ||= backfilled.findings.length > 0
      if (backfilled.error !== undefined) reportFailure(backfilled.error, json)
    },
  })
  return found ? EXIT.finding : EXIT.done
}

/** Resolves with 1 where gaps or orphans were found. */
export async function runArchiveStatus(
  options: Chains,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { ledger, snapshots, mirrors, codec } = await archiveOf(context, 1)
  const { statusOfChain } = await import('../../archive/status.js')
  let found = false
  await eachChain(options, context, out, signal, {
    label: 'compare',
    head: STATUS_HEAD,
    work: (domainId, onProgress) =>
      statusOfChain(domainId, { ledger, present: snapshots.present, mirrors, codec, onProgress }, signal),
    toRow: statusRow,
    toJson: statusJson,
    after: (status) => {
      for (const line of statusNotes(status)) note(line)
      found ||= status.gaps.count + status.orphans.count > 0
    },
  })
  return found ? EXIT.finding : EXIT.done
}

/** A dry run writes nothing down, and tells all the same. */
function tellDryFindings({ domainId, findings }: Backfilled, dryRun: boolean): void {
  if (!dryRun) return
  for (const finding of findings) note(foundText(domainId, { source: 'mirror', finding }))
}
