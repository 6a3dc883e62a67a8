import type { Backfilled } from '../../archive/backfill.js'
import { openArchive } from '../../compose/archive.js'
import type { Context } from '../../compose/context.js'
import { openMarkerJudge } from '../../compose/marker.js'
import { openSigningStatus } from '../../compose/sign/signing-status.js'
import { markerError } from '../../marker/marker-error.js'
import type { ChainNames } from '../flags/chain-names.js'
import { withName } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { strayNotes } from '../output/stray-note.js'
import { note } from '../output/streams.js'
import { type Chains, eachChain } from '../shell/each-chain.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import { backfilledJson, statusJson } from './json.js'
import {
  BACKFILL_HEAD,
  backfilledNotes,
  backfilledRow,
  foundText,
  statusHead,
  statusNotes,
  statusRow,
} from './text.js'
import { uploadDepsOf } from './upload-deps.js'

export interface BackfillOptions extends Chains {
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  readonly dryRun: boolean
  readonly concurrency: number
  /** Whether the default mirror was given by a flag, for the one Domain of this run. */
  readonly isChosen: boolean
  readonly initMirror: boolean
}

/** Resolves with 1 where rows or objects are damaged or gone. A chain that fails is reported, and the others go on. */
export async function runBackfill(
  options: BackfillOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { json, dryRun, fromSeq, toSeq, isChosen, chain, initMirror } = options
  const notes: string[] = []
  const deps = await uploadDepsOf(
    context,
    { ...options, init: initMirror ? 'replace' : undefined, only: isChosen ? chain : undefined },
    (line) => notes.push(line),
  )
  const { backfillChain } = await import('../../archive/backfill.js')
  let found = false
  const backfill = () =>
    eachChain(options, context, out, signal, {
      label: 'backfill',
      kind: 'writing',
      head: BACKFILL_HEAD,
      work: (domainId, onProgress) =>
        backfillChain({ domainId, fromSeq, toSeq, dryRun }, { ...deps, onProgress }, signal),
      toRow: backfilledRow,
      toJson: (backfilled) => backfilledJson(backfilled, dryRun),
      after: (backfilled) => {
        for (const line of [...notes.splice(0), ...strayNotes(backfilled.domainId, backfilled.strays)])
          note(line)
        printDryFindings(backfilled, dryRun)
        for (const line of backfilledNotes(backfilled)) note(line)
        found ||= backfilled.findings.length > 0
        if (backfilled.error !== undefined) reportFailure(backfilled.error, json)
      },
    })
  // Before the mirror is begun: from then on an archiver would report rows that are not uploaded yet as lost.
  await (dryRun ? backfill() : deps.queue.fill(chain, backfill))
  return found ? EXIT.finding : EXIT.done
}

/** Resolves with 1 where there are gaps or orphans. */
export async function runArchiveStatus(
  options: Chains & { readonly names: ChainNames },
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { ledger, snapshots, mirrors, codec } = await openArchive(context, { kind: 'compare' })
  const judgeMarker = await openMarkerJudge(context, mirrors)
  const { chain } = options
  const names = await options.names.shown(chain === 'all' ? 'all' : [chain])
  const readSigning = await openSigningStatus(context)
  const { statusOfChain } = await import('../../archive/status.js')
  let found = false
  await eachChain(options, context, out, signal, {
    label: 'compare',
    kind: 'answer',
    head: statusHead(names, readSigning !== undefined),
    work: async (domainId, onProgress) => {
      const deps = { ledger, present: snapshots.present, mirrors, judgeMarker, codec, onProgress }
      const status = await statusOfChain(domainId, deps, signal)
      return { ...status, signing: await readSigning?.(domainId) }
    },
    toRow: (status) => statusRow(status, names),
    toJson: (status) => withName(statusJson(status), names),
    after: (status) => {
      for (const line of [...statusNotes(status), ...strayNotes(status.domainId, status.strays)]) note(line)
      const doubt = markerError(status.mirrorUrl, status.marker)
      // Objects that are absent from another place prove nothing.
      if (doubt !== undefined && status.gaps.count > 0) reportFailure(doubt, options.json)
      if (status.error !== undefined) reportFailure(status.error, options.json)
      const gaps = doubt === undefined ? status.gaps.count : 0
      found ||= gaps + status.orphans.count > 0
    },
  })
  return found ? EXIT.finding : EXIT.done
}

/** A dry run records nothing, but prints its findings. */
function printDryFindings({ domainId, findings }: Backfilled, dryRun: boolean): void {
  if (!dryRun) return
  for (const finding of findings) note(foundText(domainId, { source: 'mirror', finding }))
}
