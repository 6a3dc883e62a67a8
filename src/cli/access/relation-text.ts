import type { ChangedTuple } from '../../access/relations.js'
import type { StoredTuple } from '../../ports/relations.js'
import type { Output } from '../output/output.js'
import { type Heading, keyValues } from '../output/table.js'
import { changedTupleJson, tupleJson } from './relation-json.js'

/** How `relation list` prints its tuples. */
export const TUPLE_LIST = {
  toJson: tupleJson,
  head: [
    'object',
    'relation',
    'subject',
    { title: 'created_at', short: 'time', drop: 1 },
  ] satisfies Heading[],
  toRow: (tuple: StoredTuple) => Object.values(tupleJson(tuple)),
}

/** Prints a tuple that was granted or revoked, as JSON or as one field per line. */
export async function printTuple(changed: ChangedTuple, json: boolean, out: Output): Promise<void> {
  if (json) await out.json(changedTupleJson(changed))
  else await out.line(changedText(changed))
}

function changedText({ tuple, auditRows }: ChangedTuple): string {
  const rows = auditRows.map(({ domainId, seq }) => ['row', `${seq} of ${domainId}`] as const)
  return keyValues([
    ['object', tuple.object],
    ['relation', tuple.relation],
    ['subject', tuple.subject],
    ...rows,
  ])
}
