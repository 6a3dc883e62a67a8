import { describe, expect, it } from 'vitest'
import {
  DOMAIN_ID_AT,
  MAGIC,
  MAGIC_BYTES,
  MAGIC_WORD,
  PSEUDONYM_AT,
  RELATION_AT,
  recordedAtOffset,
  SEQ_AT,
} from '../../src/chain/layout.js'
import { parseTimestamp } from '../../src/chain/timestamp.js'
import { uuidText } from '../../src/chain/uuid-bytes.js'
import { vectorRows } from '../support/vectors.js'

describe('the layout of the canonical bytes', () => {
  it('has the offsets of the format page', () => {
    expect([DOMAIN_ID_AT, SEQ_AT, PSEUDONYM_AT, RELATION_AT]).toEqual([4, 20, 28, 60])
  })

  it('writes the magic as text, as bytes and as one word', () => {
    expect(Buffer.from(MAGIC).toString('latin1')).toBe('PXA1')
    expect(MAGIC).toHaveLength(MAGIC_BYTES)
    expect(Buffer.from(MAGIC).readUInt32BE()).toBe(MAGIC_WORD)
  })

  it.each(vectorRows)('finds the fields of row $seq of $domain_id', (row) => {
    const bytes = Buffer.from(row.canonical_hex, 'hex')
    expect(uuidText(bytes.subarray(DOMAIN_ID_AT, SEQ_AT))).toBe(row.domain_id)
    expect(Number(bytes.readBigUInt64BE(SEQ_AT))).toBe(row.seq)
    expect(bytes.toString('hex', PSEUDONYM_AT, RELATION_AT)).toBe(row.subject_pseudonym)
    expect(bytes.readUInt32BE(RELATION_AT)).toBe(Buffer.byteLength(row.relation))
    expect(bytes.readBigInt64BE(recordedAtOffset(bytes.length))).toBe(parseTimestamp(row.recorded_at))
  })
})
