import { type QuarantineJson, quarantineJson } from '../../json/quarantine-record.js'
import type { QuarantineRecord } from '../../ports/quarantine.js'
import type { Output } from '../output/output.js'
import { printStream } from '../output/print-stream.js'
import { type Cell, type Heading, keyValues } from '../output/table.js'

/** How `quarantine list` prints its records. */
export const QUARANTINE_LIST = {
  toJson: quarantineJson,
  head: [
    'id',
    { title: 'detected_at', short: 'time', drop: 2 },
    { title: 'chain', short: 'id' },
    { title: 'code', tone: () => 'bad' },
    'rows',
    { title: 'source', drop: 1 },
    { title: 'acknowledged_at', short: 'time' },
  ] satisfies Heading[],
  toRow: (record: QuarantineRecord): Cell[] => {
    const shown = quarantineJson(record)
    const { id, detected_at, domain_id, code, source, acknowledged_at } = shown
    return [id, detected_at, domain_id, code, rangeText(shown), source, acknowledged_at]
  },
}

/** Prints the records that a step acknowledged: one as `quarantine show` does, more of them as `quarantine list` does. */
export async function printAcknowledged(
  records: readonly QuarantineRecord[],
  json: boolean,
  out: Output,
): Promise<void> {
  const [only, ...others] = records
  if (only !== undefined && others.length === 0) return printRecord(only, json, out)
  const each = async function* () {
    yield* records
  }
  await printStream(out, each(), { json, ...QUARANTINE_LIST })
}

/** Prints one record, as JSON or as one field per line. */
export async function printRecord(record: QuarantineRecord, json: boolean, out: Output): Promise<void> {
  const shown = quarantineJson(record)
  if (json) await out.json(shown)
  else await out.line(keyValues(fieldsOf(shown)))
}

function fieldsOf(record: QuarantineJson): (readonly [string, Cell])[] {
  return [
    ['id', record.id],
    ['domain_id', record.domain_id],
    ['code', record.code],
    ['rows', rangeText(record)],
    ['expected_hash', record.expected_hash],
    ['observed_hash', record.observed_hash],
    ['source', record.source],
    ['detail', record.detail || undefined],
    ['fingerprint', record.fingerprint],
    ['detected_at', record.detected_at],
    ['acknowledged_at', record.acknowledged_at],
    ['acknowledge_reason', record.acknowledge_reason],
  ]
}

function rangeText({ seq_from, seq_to }: QuarantineJson): string {
  return seq_from === seq_to ? String(seq_from) : `${seq_from} to ${seq_to}`
}
