import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { CopyWriter } from '../../src/repo/wire/copy-writer.js'
import { chainOf, DOMAIN } from '../support/chain-builder.js'
import { bytes, copyFile, wireRow } from '../support/copy-stream.js'
import { entryArbitrary, hashArbitrary } from '../support/entry-arbitrary.js'

/** Takes the bytes whenever `size` of them are buffered. */
function written(rows: readonly ChainedEntry[], size = Number.POSITIVE_INFINITY): Buffer {
  const writer = new CopyWriter()
  const pieces: Buffer[] = []
  for (const row of rows) {
    writer.row(encodeCanonical(row), row.prevHash, row.entryHash)
    if (writer.size >= size) pieces.push(writer.take())
  }
  return Buffer.concat([...pieces, writer.end()])
}

/** Builds the same file field by field; generation keeps its default. */
function expected(rows: readonly ChainedEntry[]): Buffer {
  const fields = rows.map((row) => {
    const { generation: _, ...columns } = wireRow(row)
    return { domainId: bytes(row.domainId.replaceAll('-', '')), ...columns }
  })
  return Buffer.concat(copyFile(fields))
}

describe('CopyWriter', () => {
  it('writes the row that was hashed, field by field', () => {
    const row = fc
      .tuple(entryArbitrary, hashArbitrary, hashArbitrary)
      .map(([entry, prevHash, entryHash]) => ({ ...entry, domainId: DOMAIN, prevHash, entryHash }))
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), fc.nat(2000), (rows, size) => {
        expect(written(rows, size).equals(expected(rows))).toBe(true)
      }),
    )
  })

  it('writes any number of rows at their limits', () => {
    const rows = chainOf(40, { relationPath: Array.from({ length: 64 }, () => 'é'.repeat(256)) })
    expect(written(rows).equals(expected(rows))).toBe(true)
  })
})
