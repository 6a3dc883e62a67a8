import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import { REASONS } from '../../src/chain/reason.js'
import { ReportCollector, type ReportRow } from '../../src/report/collector.js'
import { Counts } from '../../src/report/counts.js'
import { Timeline } from '../../src/report/timeline.js'
import { chainOf, entryAt, stored } from '../support/chain-builder.js'
import { entryArbitrary } from '../support/entry-arbitrary.js'

const LIMITS = { top: 10, bars: 96 }

function collected(room: number, isSelected?: (entry: { seq: number }) => boolean) {
  const listed: ReportRow[] = []
  const list = (row: ReportRow) => listed.length < room && listed.push(row) > 0
  const unlist = () => void listed.splice(0)
  return { collector: new ReportCollector({ fromSeq: 1, isSelected, list, unlist }), listed }
}

describe('Counts', () => {
  it('returns the most frequent values first, and equal counts by their text', () => {
    const counts = new Counts()
    for (const value of ['b', 'c', 'a', 'c']) counts.add(value, value === 'c')
    expect(counts.top(2)).toEqual({
      top: [
        { value: 'c', rows: 2, denied: 2 },
        { value: 'a', rows: 1, denied: 0 },
      ],
      distinct: 3,
      uncounted: 0,
    })
  })

  it('counts known values exactly and the rest as uncounted once it has too many', () => {
    const counts = new Counts(2)
    for (const value of ['a', 'b', 'c', 'a', 'c']) counts.add(value, false)
    const { top, distinct, uncounted } = counts.top(10)
    expect([top.map(({ value, rows }) => [value, rows]), distinct, uncounted]).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
      2,
      2,
    ])
  })
})

describe('Timeline', () => {
  it('has no bar without a row', () => {
    expect(new Timeline().bars(10).bars).toEqual([])
  })

  it('has bars of a minute for a short time, with the gaps between them', () => {
    const timeline = new Timeline()
    for (const seconds of [0, 59, 180]) timeline.add(seconds, seconds === 59)
    expect(timeline.bars(10)).toEqual({
      width: 60,
      bars: [
        { from: 0, rows: 2, denied: 1 },
        { from: 60, rows: 0, denied: 0 },
        { from: 120, rows: 0, denied: 0 },
        { from: 180, rows: 1, denied: 0 },
      ],
    })
  })

  it('keeps every row, within the number of bars, whatever the times are', () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 })
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 1 }), fc.integer({ min: 2, max: 100 }), (times, limit) => {
        const timeline = new Timeline()
        for (const time of times) timeline.add(time, time % 2 === 0)
        const { bars, width } = timeline.bars(limit)
        expect(bars.length).toBeLessThanOrEqual(limit)
        expect(bars.reduce((sum, { rows }) => sum + rows, 0)).toBe(times.length)
        expect(bars.reduce((sum, { denied }) => sum + denied, 0)).toBe(
          times.filter((time) => time % 2 === 0).length,
        )
        const inBar = (from: number) => times.filter((time) => time >= from && time < from + width).length
        expect(bars.map(({ from }) => inBar(from))).toEqual(bars.map(({ rows }) => rows))
      }),
    )
  })

  it('widens its spans while it counts more of them than it may keep', () => {
    const timeline = new Timeline()
    for (let i = 0; i < 10_000; i += 1) timeline.add(i * 60, false)
    const { width, bars } = timeline.bars(10_000)
    expect(width).toBe(300)
    expect(bars.reduce((sum, { rows }) => sum + rows, 0)).toBe(10_000)
  })
})

describe('ReportCollector', () => {
  it('counts the fields of any entry as they were written', () => {
    fc.assert(
      fc.property(fc.array(entryArbitrary, { minLength: 1, maxLength: 20 }), (entries) => {
        const { collector, listed } = collected(100)
        for (const entry of entries)
          collector.addStored({ seq: entry.seq, canonical: encodeCanonical(entry) })
        const tally = collector.result({ top: 100, bars: 96 })
        const relations = new Set(entries.map(({ relation }) => relation))
        expect(new Set(tally.relations.top.map(({ value }) => value))).toEqual(relations)
        expect(new Set(tally.objects.top.map(({ value }) => value))).toEqual(
          new Set(entries.map(({ object }) => object)),
        )
        expect(new Set(tally.subjects.top.map(({ value }) => value))).toEqual(
          new Set(entries.map(({ subjectPseudonym }) => subjectPseudonym)),
        )
        expect(tally.denied).toBe(entries.filter(({ reason }) => reason !== 'granted').length)
        expect(listed.map(({ entry }) => entry)).toEqual(entries)
      }),
    )
  })

  it('counts every row and lists as many as there is room for', () => {
    const { collector, listed } = collected(3)
    for (const row of chainOf(8)) collector.addStored(stored(row))
    expect(listed.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(collector.listed).toBe(3)
    expect(collector.result(LIMITS).rows).toBe(8)
  })

  it('lists and counts only the rows of the selection', () => {
    const { collector, listed } = collected(100, ({ seq }) => seq > 6)
    for (const row of chainOf(8)) collector.addStored(stored(row))
    expect(listed.map(({ seq }) => seq)).toEqual([7, 8])
    expect(collector.result(LIMITS).rows).toBe(2)
  })

  it('leaves out the row before a segment', () => {
    const listed: number[] = []
    const list = ({ seq }: ReportRow) => listed.push(seq) > 0
    const collector = new ReportCollector({ fromSeq: 4, list, unlist: () => undefined })
    for (const row of chainOf(6).slice(2)) collector.addStored(stored(row))
    expect(listed).toEqual([4, 5, 6])
  })

  it('forgets what it received before it begins again', () => {
    const { collector, listed } = collected(3)
    for (const row of chainOf(8)) collector.addStored(stored(row))
    collector.restart()
    for (const row of chainOf(2)) collector.addStored(stored(row))
    expect(listed.map(({ seq }) => seq)).toEqual([1, 2])
    expect(collector.listed).toBe(2)
    expect(collector.range).toEqual({ fromSeq: 1, toSeq: 2 })
    expect(collector.result(LIMITS).rows).toBe(2)
  })

  it.each([
    ['a row without canonical bytes', { seq: 2, problem: 'relation is NULL' }, 'relation is NULL'],
    ['canonical bytes of no row', { seq: 2, canonical: Uint8Array.of(1) }, 'shorter than the fixed fields'],
    [
      'a row of another generation',
      { seq: 2, unknownGeneration: 7 },
      'generation 7, which this program does not know',
    ],
  ])(
    'lists %s with its problem, and leaves it out of a selection with a condition',
    (_name, row, problem) => {
      const { collector, listed } = collected(100)
      collector.addStored(row)
      expect(listed).toEqual([expect.objectContaining({ seq: 2, problem })])
      expect(collector.result(LIMITS)).toMatchObject({ rows: 1, unreadable: 1, denied: 0, leftOut: 0 })
      const selection = collected(100, () => true)
      selection.collector.addStored(row)
      expect(selection.listed).toEqual([])
      expect(selection.collector.result(LIMITS)).toMatchObject({
        rows: 0,
        unreadable: 0,
        denied: 0,
        leftOut: 1,
      })
    },
  )

  it('counts each reason', () => {
    const { collector } = collected(100)
    for (const [i, reason] of REASONS.entries())
      collector.addStored({ seq: i + 1, canonical: encodeCanonical(entryAt(i + 1, { reason })) })
    expect(collector.result(LIMITS)).toMatchObject({ rows: 4, denied: 3, reasons: [1, 1, 1, 1] })
  })
})
