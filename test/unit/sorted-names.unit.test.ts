import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SortedNames } from '../../src/mirror/directory/sorted-names.js'
import { nameOfSeq, seqOfName } from '../../src/mirror/object/key.js'
import { SeqRanges } from '../../src/verify/seq-ranges.js'

const row = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map(nameOfSeq)
/** Names that look like the name of a row: other widths, beyond 2^53, folders. */
const nearly = fc.oneof(
  fc.stringMatching(/^[0-9]{18,22}\.json\.zst\/?$/),
  fc.stringMatching(/^[0-9+ -]{20}\.json\.zst$/),
  fc.constantFrom(
    '00009007199254740993.json.zst',
    '99999999999999999999.json.zst',
    '0x000000000000000001.json.zst',
  ),
)

describe('SortedNames', () => {
  it('yields the added names in order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(row, nearly, fc.string()), { maxLength: 60 }), (names) => {
        const sorted = new SortedNames()
        for (const name of names) sorted.add(name)
        expect([...sorted.sorted()]).toEqual([...names].sort())
      }),
    )
  })

  it('yields the names of many rows in order when they were added backwards', () => {
    const names = new SortedNames()
    for (let seq = 5_000; seq > 0; seq -= 1) names.add(nameOfSeq(seq))
    expect([...names.sorted()]).toEqual(Array.from({ length: 5_000 }, (_, i) => nameOfSeq(i + 1)))
  })
})

it('parses with seqOfName only the names that nameOfSeq returns', () => {
  fc.assert(
    fc.property(fc.oneof(row, nearly, fc.string()), (name) => {
      const seq = seqOfName(name)
      expect(seq === undefined || nameOfSeq(seq) === name).toBe(true)
    }),
  )
  expect([seqOfName(nameOfSeq(7)), seqOfName('00009007199254740993.json.zst')]).toEqual([7, undefined])
})

it('finds with SeqRanges the seqs within its ranges, asked in order', () => {
  const ranges = new SeqRanges(Float64Array.from([2, 3, 5, 5, 9, 12]))
  expect(Array.from({ length: 15 }, (_, seq) => seq).filter((seq) => ranges.has(seq))).toEqual([
    2, 3, 5, 9, 10, 11, 12,
  ])
})
