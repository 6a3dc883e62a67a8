import type { Purge } from '../../erasure/purge.js'
import type { Retention } from '../../erasure/retention.js'
import type { Output } from '../output/output.js'
import { type Cell, printTable } from '../output/table.js'
import { type PurgeJson, purgeJson, type RetentionJson, retentionJson } from './retention-json.js'

/** How `retention show` prints a chain. */
export const RETENTION_LIST = {
  toJson: retentionJson,
  head: [
    { title: 'chain', short: 'id' as const },
    'chain_years',
    'personal_days',
    // A note after the table says it too, where there are such rows.
    { title: 'rows_older_than_floor', drop: 1 },
    'mappings due',
    'contexts due',
    'held (mappings + contexts)',
  ],
  toRow: (retention: Retention): Cell[] => retentionRow(retentionJson(retention)),
}

/** How `retention apply` prints a chain. */
export const PURGE_LIST = {
  toJson: purgeJson,
  head: [
    { title: 'chain', short: 'id' as const },
    { title: 'personal data before', short: 'time' as const },
    'mappings',
    'contexts',
    { title: 'reveals', drop: 1 },
    'held (mappings + contexts)',
    'rows',
  ],
  toRow: (purge: Purge): Cell[] => purgeRow(purgeJson(purge)),
}

/** Prints the retention of one chain, as JSON or as a table. */
export async function printRetention(retention: Retention, json: boolean, out: Output): Promise<void> {
  const { toJson, head, toRow } = RETENTION_LIST
  if (json) await out.json(toJson(retention))
  else await printTable(head, [toRow(retention)], out)
}

function retentionRow(retention: RetentionJson): Cell[] {
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

function purgeRow(purge: PurgeJson): Cell[] {
  const { domain_id, personal_data_before, mappings, contexts, reveals, held, chain_holds, rows, dry_run } =
    purge
  const written = dry_run ? 'dry run' : rows.map(({ seq }) => seq).join(', ')
  return [domain_id, personal_data_before, mappings, contexts, reveals, heldText(held, chain_holds), written]
}

function heldText(held: RetentionJson['held'], chainHolds: readonly number[]): string {
  const chain = chainHolds.length > 0 ? ` (whole chain: hold ${chainHolds.join(', ')})` : ''
  return `${held.mappings} + ${held.contexts}${chain}`
}
