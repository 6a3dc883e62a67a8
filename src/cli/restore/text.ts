import { wireFinding } from '../../base/wire-finding.js'
import { wireTime } from '../../base/wire-time.js'
import { verifyResult } from '../../json/verify-result.js'
import type { Verdict } from '../../verify/verdict.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { verdictText } from '../verify/text.js'
import { exitOf, type Measured, type RestoreOutcome } from './restore-chain.js'

type Rebuilt = Extract<RestoreOutcome, { kind: 'restored' }>

/** What became of one chain: data on stdout, and what the data leaves to be said on stderr. */
export async function tellOutcome(outcome: RestoreOutcome, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(wireOutcome(outcome))
  else await out.line(outcomeText(outcome))
  for (const line of notesOf(outcome)) note(line)
}

function wireOutcome(outcome: RestoreOutcome): unknown {
  if (outcome.kind === 'broken') return { ...verifyResult(outcome.mirror), outcome: 'broken' }
  const verify = verifyResult(outcome.both)
  const { domain_id, rows, head } = verify
  if (outcome.kind === 'present') return { domain_id, outcome: 'present', rows, head, verify }
  const { restored, mirror } = outcome
  const lag = lagSeconds(outcome)
  return {
    domain_id,
    outcome: 'restored',
    rows: restored.rows,
    head: restored.head,
    last_recorded_at: wireTime(restored.lastRecordedAt),
    ...(lag !== undefined && { mirror_lag_seconds: lag }),
    newest_row_age_seconds: ageSeconds(outcome),
    complete: mirror.ok,
    broken: mirror.findings.map(wireFinding),
    verify,
  }
}

function outcomeText(outcome: RestoreOutcome): string {
  if (outcome.kind === 'broken') return verdictText(outcome.mirror)
  const { domainId, rows } = outcome.both
  if (outcome.kind === 'present') return `present   ${domainId}  ${rows} rows, passed over`
  const { restored, both } = outcome
  const last = wireTime(restored.lastRecordedAt)
  return `restored  ${domainId}  ${restored.rows} rows, the last recorded at ${last}\n${verdictText(both)}`
}

function notesOf(outcome: RestoreOutcome): string[] {
  if (outcome.kind === 'present') return []
  if (outcome.kind === 'broken') {
    const { domainId } = outcome.mirror
    return [
      `nothing of ${domainId} was restored; --allow-broken-tail restores what is intact before the first finding`,
    ]
  }
  return [
    ...tailNotes(outcome.restored.rows, outcome.mirror),
    ...lossNotes(outcome),
    'personal data, contexts and names are not in the mirror and did not come back',
  ]
}

function tailNotes(rows: number, mirror: Verdict): string[] {
  if (mirror.ok) return []
  return [
    `the mirror is not intact: rows 1 to ${rows} were restored, and nothing else of it`,
    ...(mirror.segmentTo === rows
      ? []
      : ['what it holds beyond stands in the way of new rows: archive them to another mirror']),
  ]
}

/** How far the archiver was behind is measured; how much was acknowledged after the newest row, the mirror cannot know. */
function lossNotes(outcome: Rebuilt): string[] {
  const lag = lagSeconds(outcome)
  const last = wireTime(outcome.restored.lastRecordedAt)
  return [
    ...(lag === undefined
      ? []
      : [`the mirror lagged by ${lag} s: that long after the newest row was recorded its object was there`]),
    `the newest row is ${ageSeconds(outcome)} s old: rows acknowledged after ${last} are lost, and their seqs are used anew`,
  ]
}

/** From when the newest row was recorded to when its object was put there. Clocks of two machines: never below 0. */
function lagSeconds({ restored, storedAt }: Measured): number | undefined {
  if (storedAt === undefined) return undefined
  return Math.max(0, Math.round(storedAt / 1000 - secondsOf(restored.lastRecordedAt)))
}

function ageSeconds({ restored }: Measured): number {
  return Math.max(0, Math.round(Date.now() / 1000 - secondsOf(restored.lastRecordedAt)))
}

function secondsOf(micros: bigint): number {
  return Number(micros / 1000n) / 1000
}

/** The last line of `archive restore --all`. */
export interface RestoreSummary {
  readonly ok: boolean
  readonly chains: number
  readonly restored: number
  /** There already, and the mirror's. */
  readonly present: number
  /** Not restored for what was found in the mirror. */
  readonly broken: number
  /** Not restored for another reason. */
  readonly failed: number
  /** That were put back. */
  readonly rows: number
}

export function summarise(outcomes: readonly RestoreOutcome[], failed: number): RestoreSummary {
  const count = (kind: RestoreOutcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length
  return {
    ok: failed === 0 && outcomes.every((outcome) => exitOf(outcome) === 0),
    chains: outcomes.length + failed,
    restored: count('restored'),
    present: count('present'),
    broken: count('broken'),
    failed,
    rows: outcomes.reduce(
      (rows, outcome) => rows + (outcome.kind === 'restored' ? outcome.restored.rows : 0),
      0,
    ),
  }
}

export async function tellSummary(summary: RestoreSummary, json: boolean, out: Output): Promise<void> {
  if (json) await out.json({ summary })
  else await out.line(summaryText(summary))
}

function summaryText({ chains, restored, present, broken, failed, rows }: RestoreSummary): string {
  const parts = `${restored} restored, ${present} present, ${broken} broken, ${failed} failed`
  return `${chains} chains: ${parts}; ${rows} rows put back`
}
