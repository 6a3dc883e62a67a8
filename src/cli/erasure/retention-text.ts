import type { PurgeJson } from '../../erasure/purge.js'
import type { RetentionJson } from '../../erasure/retention.js'
import type { Cell } from '../output/table.js'

export const RETENTION_HEAD = [
  'chain',
  'chain_years',
  'personal_days',
  'rows_older_than_floor',
  'mappings due',
  'contexts due',
  'held (mappings + contexts)',
]

export function retentionRow(retention: RetentionJson): Cell[] {
  const { domain_id, chain_years, personal_days, rows_older_than_floor, due, held } = retention
  const days = retention.is_default ? `${personal_days} (default)` : personal_days
  return [
    domain_id,
    chain_years,
    days,
    rows_older_than_floor,
    due.mappings,
    due.contexts,
    heldText(held, retention.chain_holds),
  ]
}

export const PURGE_HEAD = [
  'chain',
  'personal data before',
  'mappings',
  'contexts',
  'held (mappings + contexts)',
  'rows',
]

export function purgeRow(purge: PurgeJson): Cell[] {
  const { domain_id, personal_data_before, mappings, contexts, held, chain_holds, rows, dry_run } = purge
  const told = dry_run ? 'dry run' : rows.map(({ seq }) => seq).join(', ')
  return [domain_id, personal_data_before, mappings, contexts, heldText(held, chain_holds), told]
}

function heldText(held: RetentionJson['held'], chainHolds: readonly number[]): string {
  const chain = chainHolds.length > 0 ? ` (whole chain: hold ${chainHolds.join(', ')})` : ''
  return `${held.mappings} + ${held.contexts}${chain}`
}
