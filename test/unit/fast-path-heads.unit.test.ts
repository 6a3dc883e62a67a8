import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { FastPath } from '../../src/chain/fast-path.js'
import { ChainFold } from '../../src/chain/fold.js'
import { chainOf, stored } from '../support/chain-builder.js'

const ROWS = chainOf(12)

/** Returns a row as PostgreSQL gives it, with its hashes as bytes. */
function byteRow(row: ChainedEntry) {
  const bytes = Buffer.from(row.prevHash + row.entryHash, 'hex')
  return {
    seq: row.seq,
    canonical: encodeCanonical(row),
    bytes,
    prevAt: 0,
    entryAt: 32,
    stored: () => stored(row),
  }
}

it('sees the same of signed heads as the fold alone', () => {
  const seq = fc.integer({ min: 1, max: 14 })
  const heads = fc.array(fc.tuple(seq, fc.boolean()), { maxLength: 8 })
  const edited = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 })
  fc.assert(
    fc.property(heads, edited, fc.integer({ min: 1, max: 5 }), (marks, damaged, fromSeq) => {
      const rows = ROWS.filter((row) => row.seq >= fromSeq - 1).map((row) =>
        damaged.includes(row.seq) ? { ...row, object: 'x:edited' } : row,
      )
      const signed = marks.map(([at, holds]) => ({
        seq: at,
        hash: (holds && ROWS[at - 1]?.entryHash) || 'f'.repeat(64),
      }))
      const options = { fromSeq, hasher: nodeHasher, heads: signed }
      const alone = new ChainFold(options)
      for (const row of rows) alone.add(stored(row))
      const fast = new FastPath(new ChainFold(options), options)
      for (const row of rows) fast.add(byteRow(row))
      expect(fast.finish()).toEqual(alone.finish())
    }),
  )
})
