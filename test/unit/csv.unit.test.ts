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

  it('leaves numbers, absent values and JSON as they are', () => {
    expect(csvRecord([-1, 2n, undefined, { json: '["=1"]' }])).toBe('-1,2,,"[""=1""]"\r')
  })

  it('is one line that reads back as the escaped texts, none of them a formula', () => {
    fc.assert(
      fc.property(fc.array(textArbitrary(0, 64), { minLength: 1, maxLength: 5 }), (texts) => {
        const record = csvRecord(texts)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
        expect(record.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
        const cells = parse(record)
        expect(cells.map((cell) => cell.replace(/^'(?=[=+\-@\\\uff1d\uff0b\uff0d\uff20])/, ''))).toEqual(
          texts.map((text) => safeText(text).replace(/^'(?=[=+\-@\\\uff1d\uff0b\uff0d\uff20])/, '')),
        )
        for (const cell of cells) expect(cell).not.toMatch(/^[=+\-@]/)
      }),
    )
  })
})
