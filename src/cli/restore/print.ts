import type { RestoreSummary } from '../../restore/restore-all.js'
import type { RestoreOutcome } from '../../restore/restore-chain.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { outcomeJson } from './json.js'
import { outcomeNotes, outcomeText, summaryText } from './text.js'

/** Prints the outcome of one chain on stdout, and what explains it on stderr. */
export async function printOutcome(outcome: RestoreOutcome, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(outcomeJson(outcome))
  else await out.line(outcomeText(outcome))
  for (const line of outcomeNotes(outcome)) note(line)
}

/** Prints the last line of `archive restore --all`. */
export async function printSummary(summary: RestoreSummary, json: boolean, out: Output): Promise<void> {
  if (json) await out.json({ summary })
  else await out.line(summaryText(summary))
}
