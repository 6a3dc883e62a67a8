import type { QuarantineJson } from '../../quarantine/quarantine.js'
import type { Cell } from '../output/table.js'

export const QUARANTINE_HEAD = ['id', 'detected_at', 'chain', 'code', 'rows', 'source', 'acknowledged_at']

export function quarantineRow(record: QuarantineJson): Cell[] {
  const { id, detected_at, domain_id, code, source, acknowledged_at } = record
  return [id, detected_at, domain_id, code, rangeText(record), source, acknowledged_at]
}

export function quarantineFields(record: QuarantineJson): (readonly [string, Cell])[] {
  return [
    ['id', record.id],
    ['domain_id', record.domain_id],
    ['code', record.code],
    ['rows', rangeText(record)],
    ['expected_hash', record.expected_hash],
    ['observed_hash', record.observed_hash],
    ['source', record.source],
    ['detail', record.detail || undefined],
    ['detected_at', record.detected_at],
    ['acknowledged_at', record.acknowledged_at],
    ['acknowledge_reason', record.acknowledge_reason],
  ]
}

function rangeText({ seq_from, seq_to }: QuarantineJson): string {
  return seq_from === seq_to ? String(seq_from) : `${seq_from} to ${seq_to}`
}
