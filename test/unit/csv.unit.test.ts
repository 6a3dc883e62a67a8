import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvRecord } from '../../src/cli/output/csv.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { textArbitrary } from '../support/entry-arbitrary.js'

/** Reads one record as RFC 4180 says, by another way than it is written. */
function parse(record: string): string[] {
  const cells: string[] = []
  let rest = record.replace(/\r$/, '')
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/.exec(rest)
    if (match === null) throw new Error(`not a record: ${rest}`)
    cells.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'))
    rest = rest.slice(match[0].length)
    if (match[3] === '') return cells
  }
}

describe('csvRecord', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\\t=1"],
    ['\r=1', "'\\r=1"],
    ['\uff1d1', "'\uff1d1"],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    [' =1', `' =1`],
    ['\ufe661', "'\ufe661"],
    ['\u22121', "'\u22121"],
    ['a;=1', `"a;'=1"`],
    ['a; "=1";-2', `"a;' ""=1"";'-2"`],
    ['a;b', '"a;b"'],
    ['a=1', 'a=1'],
    ['a\nb', 'a\\nb'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    [' a', '" a"'],
    ['\u001b[31m\u202e', '\\x1b[31m\\u{202e}'],
    ['', ''],
  ])('writes the text %j as %s', (text, cell) => {
    expect(csvRecord([text, 'end'])).toBe(`${cell},end\r`)
  })

  it('leaves numbers, absent values and the values of JSON as they are', () => {
    expect(csvRecord([-1, 2n, undefined, { json: '["=1"]' }])).toBe('-1,2,,"[""=1""]"\r')
    const [json = ''] = parse(csvRecord([{ json: '["a;=1;"]' }]))
    expect([json.includes(';'), JSON.parse(json)]).toEqual([false, ['a;=1;']])
  })

  /** Texts that are made of what can harm, and texts of any kind. */
  const harmful = fc.string({
    unit: fc.constantFrom(...'=+-@;,"\' \t\r\na1\uff1d\uff0b\uff0d\uff20\ufe66\u2212\u202e\u0000'),
    maxLength: 8,
  })
  const texts = fc.array(fc.oneof(harmful, textArbitrary(0, 64)), { minLength: 1, maxLength: 5 })
  const STARTS = /^["\s]*[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]/

  it('is one line that reads back as the escaped texts, apart from apostrophes', () => {
    const plain = (cell: string) => cell.replaceAll("'", '')
    fc.assert(
      fc.property(texts, (cells) => {
        const record = csvRecord(cells)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
        expect(record.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
        expect(parse(record).map(plain)).toEqual(cells.map((cell) => plain(safeText(cell))))
      }),
    )
  })

  it('has no cell that begins a formula, also where a spreadsheet divides the line at semicolons', () => {
    fc.assert(
      fc.property(texts, (cells) => {
        const record = csvRecord(cells)
        for (const cell of parse(record)) expect(cell).not.toMatch(STARTS)
        for (const part of csvRecord(['first', ...cells, { json: JSON.stringify(cells) }]).split(';'))
          expect(part).not.toMatch(STARTS)
      }),
    )
  })

  it('changes no text that a spreadsheet leaves alone', () => {
    fc.assert(
      fc.property(textArbitrary(0, 64), (text) => {
        fc.pre(!/[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20\t\r]/.test(text))
        expect(parse(csvRecord([text]))).toEqual([safeText(text)])
      }),
    )
  })
})
