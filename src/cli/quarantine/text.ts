import { type QuarantineJson, quarantineJson } from '../../json/quarantine-record.js'
import type { QuarantineRecord } from '../../ports/quarantine.js'
import { NO_NAMES, type ShownNames } from '../../query/choose-domain.js'
import { ChainColumns, chainText, shownName, withName } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { printStream, type StreamView } from '../output/print-stream.js'
import { type Cell, keyValues } from '../output/table.js'

/** Returns how `quarantine list` prints its records. */
export function quarantineList(names: ShownNames): Omit<StreamView<QuarantineRecord>, 'json'> {
  const columns = new ChainColumns(names)
  return {
    toJson: (record) => withName(quarantineJson(record), names),
    head: [
      'id',
      { title: 'detected_at', short: 'time', drop: 2 },
      ...columns.head({ title: 'chain', short: 'id' }),
      { title: 'code', tone: () => 'bad' },
      'rows',
      { title: 'source', drop: 1 },
      { title: 'acknowledged_at', short: 'time' },
    ],
    toRow: (record) => {
      const shown = quarantineJson(record)
      const { id, detected_at, domain_id, code, source, acknowledged_at } = shown
      const chain = columns.cells(domain_id)
      return [id, detected_at, ...chain, code, rangeText(shown), source, acknowledged_at]
    },
  }
}

/** Prints the records that a step acknowledged: one as `quarantine show` does, more of them as `quarantine list` does. */
export async function printAcknowledged(
  records: readonly QuarantineRecord[],
  json: boolean,
  out: Output,
): Promise<void> {
  const [only, ...others] = records
  if (only !== undefined && others.length === 0) return printRecord(only, { json, names: NO_NAMES }, out)
  const each = async function* () {
    yield* records
  }
  await printStream(out, each(), { json, ...quarantineList(NO_NAMES) })
}

/** Prints one record, as JSON or as one field per line. */
export async function printRecord(
  record: QuarantineRecord,
  { json, names }: { readonly json: boolean; readonly names: ShownNames },
  out: Output,
): Promise<void> {
  const shown = quarantineJson(record)
  if (json) await out.json(withName(shown, names))
  else await out.line(keyValues(fieldsOf(shown, names)))
}

function fieldsOf(record: QuarantineJson, names: ShownNames): (readonly [string, Cell])[] {
  return [
    ['id', record.id],
    ['domain_id', chainText(record.domain_id)],
    ['name', shownName(record.domain_id, names)],
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
