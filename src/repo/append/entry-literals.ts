import { reasonOrdinal } from '../../chain/reason.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import type { PlacedRow } from './append-placement.js'
import { arrayLiteral } from './entry-columns.js'

/**
 * Returns the fields of a row as SQL literals of their types: generation, subject, relation, object, reason, path, caveats,
 * correlation_id, zedtoken, recorded_at, prev, entry.
 */
export function entryLiterals({ entry, row }: PlacedRow): string[] {
  const bytes = (hex: string) => `pg_catalog.decode('${hex}', 'hex')`
  const array = (items: readonly string[]) => `${quotedLiteral(arrayLiteral(items))}::pg_catalog.text[]`
  return [
    '1::smallint',
    bytes(entry.subjectPseudonym),
    quotedLiteral(row.relation),
    quotedLiteral(row.object),
    `${reasonOrdinal(row.reason)}::smallint`,
    array(row.relationPath),
    array(row.caveatContext),
    quotedLiteral(row.correlationId),
    quotedLiteral(row.zedtoken),
    `${quotedLiteral(formatTimestamp(entry.recordedAt))}::pg_catalog.timestamptz`,
    bytes(entry.prevHash),
    bytes(entry.entryHash),
  ]
}
