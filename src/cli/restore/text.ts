import { wireTime } from '../../base/wire-time.js'
import type { RestoreSummary } from '../../restore/restore-all.js'
import type { RestoredChain, RestoreOutcome } from '../../restore/restore-chain.js'
import type { Verdict } from '../../verify/verdict.js'
import { chainText } from '../output/chain-text.js'
import { safe } from '../output/safe-text.js'
import { secondsText } from '../output/seconds-text.js'
import { PLAIN, type Style } from '../output/style.js'
import { verdictText } from '../verify/text.js'
import { lagSeconds, newestRow } from './loss.js'

export function outcomeText(outcome: RestoreOutcome, style: Style = PLAIN): string {
  if (outcome.kind === 'broken') return verdictText(outcome.mirror, { style })
  const { domainId, both } = outcome
  if (outcome.kind === 'present') return `present   ${chainText(domainId)}  ${both.rows} rows, skipped`
  const last = wireTime(outcome.lastRecordedAt)
  return `restored  ${chainText(domainId)}  ${outcome.rows} rows, the last recorded at ${last}\n${verdictText(both, { style })}`
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
    ...markerNotes(outcome),
    ...recordNotes(outcome),
    'personal data and contexts are not in the mirror and were not restored',
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

function markerNotes({ marker }: RestoredChain): string[] {
  if (marker === undefined) return []
  return [
    safe`the archiver will refuse this mirror: ${marker.message}`,
    ...(marker.code === 'mirror_mismatch'
      ? ['the rows have no archive stamps, so the archiver copies them to the mirror of this database']
      : []),
  ]
}

function recordNotes({ domainId, isRecordedAnew }: RestoredChain): string[] {
  if (!isRecordedAnew) return []
  return [`the platform chain did not record the creation of ${domainId}; it now records this restore`]
}

/** The lag of the archiver can be measured. How many rows were acknowledged after the newest row, the mirror cannot know. */
function lossNotes(outcome: RestoredChain): string[] {
  const lag = lagSeconds(outcome)
  return [
    ...(lag === undefined
      ? []
      : [
          `the mirror lagged by ${lag} s: the object of the newest row was stored that long after the row was recorded`,
        ]),
    newestNote(outcome),
  ]
}

function newestNote(outcome: RestoredChain): string {
  const { rows, lastRecordedAt } = outcome
  const newest = newestRow(outcome)
  return 'ahead' in newest
    ? `the chain is ahead of the clock by ${secondsText(newest.ahead)}, so the age of its newest row is unknown: rows acknowledged after row ${rows} are lost, and new rows reuse their seqs`
    : `the newest row is ${newest.age} s old: rows acknowledged after ${wireTime(lastRecordedAt)} are lost, and new rows reuse their seqs`
}

export function summaryText({ chains, restored, present, broken, failed, rows }: RestoreSummary): string {
  const counts = `${restored} restored, ${present} present, ${broken} broken, ${failed} failed`
  return `${chains} chains: ${counts}; ${rows} rows restored`
}
