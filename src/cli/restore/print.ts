import type { ErrorCode } from '../../base/errors.js'
import type { RestoreSummary } from '../../restore/restore-all.js'
import type { RestoreOutcome } from '../../restore/restore-chain.js'
import type { Output } from '../output/output.js'
import { strayNotes } from '../output/stray-note.js'
import { note } from '../output/streams.js'
import { reportFailure } from '../shell/failure.js'
import { outcomeJson } from './json.js'
import { outcomeNotes, outcomeText, summaryText } from './text.js'

const NOT_KEPT: readonly ErrorCode[] = ['write_undone', 'outcome_unknown']

/** Prints the outcome of one chain on stdout, and what explains it on stderr. */
export async function printOutcome(outcome: RestoreOutcome, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(outcomeJson(outcome))
  else await out.line(outcomeText(outcome, out.style))
  for (const line of outcomeNotes(outcome)) note(line)
  const marker = outcome.kind === 'restored' ? outcome.marker : undefined
  // Another marker is for the archiver to judge. An id that was not kept is a write of this command that failed.
  if (marker !== undefined && NOT_KEPT.includes(marker.code)) reportFailure(marker, json)
  const verdict = outcome.kind === 'present' ? outcome.both : outcome.mirror
  for (const line of strayNotes(verdict.domainId, verdict.strays)) note(line)
  for (const doubt of verdict.doubts) reportFailure(doubt, json)
}

/** Prints the last line of `archive restore --all`. */
export async function printSummary(summary: RestoreSummary, json: boolean, out: Output): Promise<void> {
  if (json) await out.json({ summary })
  else await out.line(summaryText(summary))
}
