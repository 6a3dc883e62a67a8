import type { Restored } from '../archiver/restore.js'
import { wireTime } from '../query/wire.js'
import type { VerifyResult } from '../verify/result.js'
import type { Output } from './output.js'
import { note } from './streams.js'
import { verdictText } from './verify-text.js'

/** What a restore did and found. */
export interface RestoreReport {
  readonly restored: Restored
  /** Of the mirror, before. */
  readonly mirror: VerifyResult
  /** Of both copies, after. */
  readonly both: VerifyResult
}

/** The mirror's verdict, and that nothing was restored. */
export async function tellBroken(mirror: VerifyResult, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(mirror)
  else await out.line(verdictText(mirror))
  note('nothing was restored; --allow-broken-tail restores what is intact before the first finding')
}

export async function tellRestored(report: RestoreReport, json: boolean, out: Output): Promise<void> {
  const { restored, mirror, both } = report
  const lag = lagOf(restored)
  const last = wireTime(restored.lastRecordedAt)
  if (json) await out.json(wireReport(report, lag, last))
  else {
    await out.line(`restored  ${both.domain_id}  ${restored.rows} rows, the last recorded at ${last}`)
    await out.line(verdictText(both))
  }
  if (!mirror.ok) tellTail(restored, mirror)
  note(
    `the mirror was ${lag} s behind at the most: rows acknowledged after ${last} are lost, and their seqs are used anew`,
  )
  note('personal data, contexts and names are not in the mirror and did not come back')
}

function wireReport({ restored, mirror, both }: RestoreReport, lag: number, last: string): unknown {
  return {
    domain_id: both.domain_id,
    rows: restored.rows,
    head: restored.head,
    last_recorded_at: last,
    mirror_lag_seconds: lag,
    complete: mirror.ok,
    broken: mirror.findings,
    verify: both,
  }
}

function tellTail({ rows }: Restored, mirror: VerifyResult): void {
  note(`the mirror is not intact: rows 1 to ${rows} were restored, and nothing else of it`)
  if (mirror.segment_to === rows) return
  note('what it holds beyond stands in the way of new rows: archive them to another mirror')
}

/** Seconds from the last row to now: the mirror cannot tell what was acknowledged in between. */
function lagOf({ lastRecordedAt }: Restored): number {
  return Math.max(0, Math.round(Date.now() / 1000 - Number(lastRecordedAt / 1_000_000n)))
}
