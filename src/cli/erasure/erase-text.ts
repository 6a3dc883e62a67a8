import type { Cell } from '../output/table.js'
import type { PreviewJson, ReceiptJson } from './erase-json.js'

type Fields = readonly (readonly [string, Cell])[]

export function previewFields(preview: PreviewJson): Fields {
  return [
    ['domain_id', preview.domain_id],
    ['subject_pseudonym', preview.subject_pseudonym],
    ['mappings', preview.mappings],
    ['contexts', preview.contexts],
    ['rows (they stay)', preview.rows],
    ['legal holds', preview.holds.join(', ') || undefined],
  ]
}

export function receiptFields(receipt: ReceiptJson): Fields {
  return [
    ['domain_id', receipt.domain_id],
    ['subject_pseudonym', receipt.subject_pseudonym],
    ['erased_at', receipt.erased_at],
    ['seq', receipt.seq],
    ['entry_hash', receipt.entry_hash],
    ['mappings_deleted', receipt.mappings_deleted],
    ['contexts_deleted', receipt.contexts_deleted],
    ['blocked', receipt.blocked ? 'yes' : undefined],
    ['repeated', receipt.repeated ? 'yes: the row is that of the earlier erasure' : undefined],
    ...receipt.others.map((other) => ['also erased', `${other.subject_pseudonym} row ${other.seq}`] as const),
    ...receipt.remaining.map(
      ({ kind, count, command }) => ['remaining', `${count} ${kind}: ${command}`] as const,
    ),
  ]
}
