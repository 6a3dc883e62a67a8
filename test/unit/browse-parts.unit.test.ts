import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parseFilterLine } from '../../src/cli/browse/model/filter-line.js'
import { moved, within } from '../../src/cli/browse/model/list-position.js'
import { columnsOf, counted, emptyTimeline } from '../../src/cli/browse/model/timeline.js'
import { Terminal } from '../../src/cli/browse/terminal.js'
import { ansiOf } from '../../src/cli/browse/views/ansi.js'
import { KEY_HELP, marksOf } from '../../src/cli/browse/views/help.js'
import {
  ASCII,
  cell,
  clip,
  folded,
  line,
  shown,
  span,
  UNICODE,
  widthOf,
  wrapped,
} from '../../src/cli/browse/views/lines.js'

/** Returns the code of the error that a call throws; undefined where it throws none. */
function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

describe('a filter line', () => {
  it.each([
    ['', { texts: [] }],
    ['reason=granted relation=view', { entry: { reasons: ['granted'], relation: 'view' }, texts: [] }],
    ['reason=out_of_scope reason=unknown', { entry: { reasons: ['out_of_scope', 'unknown'] } }],
    ['--relation=view', { entry: { relation: 'view' } }],
    ['relation="a b" Tom', { entry: { relation: 'a b' }, texts: ['tom'] }],
    ["'two words' other", { texts: ['two words', 'other'] }],
    ['object=project:a:b', { entry: { objectType: 'project', objectId: 'a:b' } }],
    ['subject-id=alice', { subjectId: 'alice', texts: [] }],
    ['relation="unclosed text', { entry: { relation: 'unclosed text' } }],
    ['a=b=c'.replace('a=', 'relation='), { entry: { relation: 'b=c' } }],
  ])('%s', (text, expected) => {
    expect(parseFilterLine(text)).toMatchObject(expected)
  })

  it.each([
    ['nope=1', 'usage'],
    ['relation=a relation=b', 'usage'],
    ['denied reason=granted', 'usage'],
    ['object=a:b object-type=a', 'usage'],
    [`subject=${'0'.repeat(64)} subject-id=x`, 'usage'],
    ['reason=none', 'invalid_input'],
    ['relation=', 'invalid_input'],
    ['subject=alice', 'invalid_subject'],
    ['from=yesterdayish', 'invalid_range'],
    ['from=2026-02-01T00:00:00Z to=2026-01-01T00:00:00Z', 'invalid_range'],
  ])('is refused: %s', (text, code) => {
    expect(codeOf(() => parseFilterLine(text))).toBe(code)
  })

  it('has only errors of the program, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(codeOf(() => parseFilterLine(text)) ?? '').not.toBe('internal')
      }),
    )
  })
})

describe('a position in a list', () => {
  const position = fc.record({
    selected: fc.integer({ min: -5, max: 60 }),
    top: fc.integer({ min: -5, max: 60 }),
  })
  const moves = fc.constantFrom('up', 'down', 'page-up', 'page-down', 'first', 'last')

  it('stays in the list and on the screen', () => {
    fc.assert(
      fc.property(
        position,
        moves,
        fc.nat({ max: 50 }),
        fc.integer({ min: 0, max: 30 }),
        (at, move, count, height) => {
          for (const { selected, top } of [
            within(at, count, height),
            moved(at, move as 'up', count, height),
          ]) {
            expect(selected).toBeGreaterThanOrEqual(0)
            expect(selected).toBeLessThan(Math.max(1, count))
            expect(top).toBeGreaterThanOrEqual(0)
            expect(top).toBeLessThanOrEqual(selected)
            expect(selected).toBeLessThan(top + Math.max(1, height))
            expect(top).toBeLessThanOrEqual(Math.max(0, count - Math.max(1, height)))
          }
        },
      ),
    )
  })
})

describe('a text', () => {
  const texts = fc.string({ unit: 'grapheme', maxLength: 40 })

  it('is cut to its width, and a cell fills it exactly', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 30 }), (text, width) => {
        const safe = shown(text, UNICODE)
        expect(widthOf(clip(safe, width))).toBeLessThanOrEqual(width)
        expect(widthOf(cell(safe, width))).toBe(width)
      }),
    )
  })

  it('is wrapped without a loss', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 6, max: 30 }), (text, width) => {
        const safe = shown(text, UNICODE)
        const lines = wrapped(safe, width)
        expect(lines.join('')).toBe(safe)
        for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(width)
      }),
    )
  })

  it('is folded at spaces, without a loss', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 20 }), fc.integer({ min: 4, max: 30 }), (text, width) => {
        const lines = folded(text, width)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
        for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(width)
      }),
    )
    expect(folded('nothing is written to the quarantine', 20)).toEqual([
      'nothing is written',
      'to the quarantine',
    ])
  })

  it.each([
    ['漢字かな', 5, '漢字…'],
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['abcd', 0, ''],
  ])('%s in %i columns is %s', (text, width, expected) => {
    expect(clip(text, width)).toBe(expected)
  })

  it('is escaped beyond ASCII where the terminal has only that', () => {
    expect(shown('naïve 漢\u001b[1m', ASCII)).toBe('na\\u{ef}ve \\u{6f22}\\x1b[1m')
  })
})

describe('a timeline', () => {
  it('counts every row once, denials apart, and keeps the sums for every width', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ time: fc.integer({ min: -5, max: 1_005 }), reason: fc.integer({ min: 0, max: 5 }) }),
        ),
        fc.integer({ min: 1, max: 600 }),
        (rows, columns) => {
          const added = rows.map(({ time, reason }, i) => ({ seq: i + 1, recordedAt: BigInt(time), reason }))
          const timeline = counted(emptyTimeline(0n, 1_000n), added)
          const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
          expect(sum(columnsOf(timeline.rows, columns))).toBe(rows.length)
          expect(sum(columnsOf(timeline.denials, columns))).toBe(
            rows.filter(({ reason }) => reason !== 1).length,
          )
          expect(timeline.counted).toBe(rows.length)
        },
      ),
    )
  })

  it('takes times that are infinite, missing or all the same', () => {
    const rows = [
      { seq: 1 },
      { seq: 2, recordedAt: 'infinity' },
      { seq: 3, recordedAt: '-infinity' },
      { seq: 4, recordedAt: 5n },
    ] as const
    expect(counted(emptyTimeline(5n, 5n), rows).counted).toBe(4)
  })
})

describe('the look of a line', () => {
  it.each([
    [line(span('a', 'bad')), true, '\u001b[1;31ma\u001b[0m'],
    [line(span('a', 'bad')), false, '\u001b[1ma\u001b[0m'],
    [line(span('a', 'good')), false, 'a'],
    [{ spans: [span('a')], marked: true }, false, '\u001b[7ma\u001b[0m'],
  ])('%j with colours: %s', (one, color, expected) => {
    expect(ansiOf(one, color)).toBe(expected)
  })
})

describe('docs/browse.md', () => {
  const page = readFileSync(new URL('../../docs/browse.md', import.meta.url), 'utf8')
  const cells = (table: string) =>
    page
      .slice(page.indexOf(table))
      .split('\n')
      .slice(2)
      .filter(
        (text, index, all) => text.startsWith('|') && all.slice(0, index).every((one) => one.startsWith('|')),
      )
      .map((text) => text.split('|').map((one) => one.trim()))

  it('has the keys that ? shows', () => {
    const shownKeys = KEY_HELP.flatMap(([, keys]) => keys.map(([key, does]) => [key, does]))
    expect(cells('| where | key | does |').map(([, , key, does]) => [key, does])).toEqual(shownKeys)
  })

  it('has the marks of rows and fields', () => {
    const [unicode, ascii] = [marksOf(UNICODE), marksOf(ASCII)]
    const marks = unicode.map(([mark, means], index) => [mark, ascii[index]?.[0], means])
    expect(
      cells('| mark | without UTF-8 | meaning |').map(([, mark, plain, means]) => [mark, plain, means]),
    ).toEqual(marks)
  })
})

describe('the terminal', () => {
  it('writes only the lines that changed, and leaves once', () => {
    const written: string[] = []
    const terminal = new Terminal({ columns: 80, rows: 24, write: (text: string) => written.push(text) })
    terminal.enter()
    terminal.draw(['a', 'b'])
    terminal.draw(['a', 'c'])
    terminal.draw(['a', 'c'])
    terminal.leave()
    terminal.leave()
    terminal.draw(['z'])
    expect(written).toHaveLength(4)
    expect(written[2]).toContain('\u001b[2;1H\u001b[2Kc')
    expect(written[2]).not.toContain('\u001b[1;1H')
    expect(written[3]).toContain('\u001b[?1049l')
  })
})
