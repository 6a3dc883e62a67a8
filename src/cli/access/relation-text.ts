import type { ChangedTupleJson } from '../../access/relations.js'
import { keyValues } from '../output/table.js'

export const TUPLE_HEAD = ['object', 'relation', 'subject', 'created_at']

export function changedText(tuple: ChangedTupleJson): string {
  const rows = tuple.rows.map(({ domain_id, seq }) => ['row', `${seq} of ${domain_id}`] as const)
  return keyValues([
    ['object', tuple.object],
    ['relation', tuple.relation],
    ['subject', tuple.subject],
    ...rows,
  ])
}
