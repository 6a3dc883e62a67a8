import { compress } from '@mongodb-js/zstd'
import { REASONS } from '../../../src/chain/reason.js'
import { formatTimestamp } from '../../../src/chain/timestamp.js'
import { canonicalOf, type PlainRow } from '../attacks/chains.js'

/** Returns the key of a row's object, by the format. */
export function keyOf(domainId: string, seq: number): string {
  return `audit/${domainId}/${String(seq).padStart(20, '0')}.json.zst`
}

/** The fields of an object, in the order of the format. An attacker may have changed any of them. */
export type ObjectFields = Readonly<Record<string, unknown>>

/** Returns the object of a row, real or forged, built without the codec under test. */
export function fieldsOf(row: PlainRow): ObjectFields {
  return {
    format: 'PXA1',
    domain_id: row.domainId,
    seq: row.seq,
    subject_pseudonym: row.subjectPseudonym,
    relation: row.relation,
    object: row.object,
    reason: REASONS[row.reason - 1],
    relation_path: row.relationPath,
    caveat_context: row.caveatContext,
    correlation_id: row.correlationId,
    zedtoken: row.zedtoken,
    recorded_at: formatTimestamp(row.recordedAt),
    prev_hash: row.prevHash,
    entry_hash: row.entryHash,
    canonical_bytes: canonicalOf(row).toString('base64'),
  }
}

export function objectOf(row: PlainRow, patch: ObjectFields = {}): Promise<Buffer> {
  return compress(Buffer.from(`${JSON.stringify({ ...fieldsOf(row), ...patch })}\n`))
}
