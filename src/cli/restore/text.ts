import { wireTime } from '../../base/wire-time.js'
import type { RestoreSummary } from '../../restore/restore-all.js'
import type { RestoredChain, RestoreOutcome } from '../../restore/restore-chain.js'
import type { Verdict } from '../../verify/verdict.js'
import { verdictText } from '../verify/text.js'
import { ageSeconds, lagSeconds } from './loss.js'

export function outcomeText(outcome: RestoreOutcome): string {
  if (outcome.kind === 'broken') return verdictText(outcome.mirror)
  const { domainId, both } = outcome
  if (outcome.kind === 'present') return `present   ${domainId}  ${both.rows} rows, skipped`
  const last = wireTime(outcome.lastRecordedAt)
  return `restored  ${domainId}  ${outcome.rows} rows, the last recorded at ${last}\n${verdictText(both)}`
}

/** Returns the lines for stderr that explain an outcome. */
export function outcomeNotes(outcome: RestoreOutcome): string[] {
  if (outcome.kind === 'present') return []
  if (outcome.kind === 'broken') {
    return [
      `nothing of ${outcome.domainId} was restored; --allow-broken-tail restores the intact rows before the first finding`,
    ]
  }
  return [
    ...tailNotes(outcome.rows, outcome.mirror),
    ...lossNotes(outcome),
    'personal data, contexts and names are not in the mirror and were not restored',
  ]
}

function tailNotes(rows: number, mirror: Verdict): string[] {
  if (mirror.ok) return []
  return [
    `the mirror is not intact: only rows 1 to ${rows} were restored from it`,
    ...(mirror.segmentTo === rows
      ? []
      : ['the objects beyond them block the keys of new rows: archive new rows to another mirror']),
  ]
}

/** The lag of the archiver can be measured. How many rows were acknowledged after the newest row, the mirror cannot know. */
function lossNotes(outcome: RestoredChain): string[] {
  const lag = lagSeconds(outcome)
  const last = wireTime(outcome.lastRecordedAt)
  return [
    ...(lag === undefined
      ? []
      : [
          `the mirror lagged by ${lag} s: the object of the newest row was stored that long after the row was recorded`,
        ]),
    `the newest row is ${ageSeconds(outcome)} s old: rows acknowledged after ${last} are lost, and new rows reuse their seqs`,
  ]
}

export function summaryText({ chains, restored, present, broken, failed, rows }: RestoreSummary): string {
  const counts = `${restored} restored, ${present} present, ${broken} broken, ${failed} failed`
  return `${chains} chains: ${counts}; ${rows} rows restored`
}
