import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hideCredentials, jsonText, safe, safeLines, safeText } from '../../src/cli/output/safe-text.js'

/** Any UTF-16, lone surrogates included, and often what is dangerous. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(
      fc.constantFrom(
        '\u001b[2J',
        '\u202e',
        '\u2066',
        '\u200b',
        '\u009b',
        '\n',
        '\\',
        '\\x1b',
        'a',
        '\ud800',
      ),
    )
    .map((parts) => parts.join('')),
)

function readBack(text: string): string {
  const plain: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }
  return text.replace(/\\(?:x([0-9a-f]{2})|u\{([0-9a-f]+)\}|(.))/g, (_, byte, code, short) =>
    short === undefined ? String.fromCodePoint(Number.parseInt(byte ?? code, 16)) : (plain[short] ?? ''),
  )
}

describe('safeText', () => {
  it.each([
    ['plain, ümlaut, 日本, 🦉 stay', 'plain, ümlaut, 日本, 🦉 stay'],
    ['\u001b[31mred', String.raw`\x1b[31mred`],
    ['\u009b31m', String.raw`\x9b31m`],
    ['a\0b\u007f', String.raw`a\x00b\x7f`],
    ['a\r\n\tb', String.raw`a\r\n\tb`],
    ['user\u202egnp.exe', String.raw`user\u{202e}gnp.exe`],
    ['\u2066\u2069\u061c', String.raw`\u{2066}\u{2069}\u{61c}`],
    ['a\u200b\u200d\u2060\ufeffb', String.raw`a\u{200b}\u{200d}\u{2060}\u{feff}b`],
    ['\u2028\u2029', String.raw`\u{2028}\u{2029}`],
    ['a\u00a0b\u3000c d', String.raw`a\xa0b\u{3000}c d`],
    ['\u{e0041}\ufe0f\u3164\u2800', String.raw`\u{e0041}\u{fe0f}\u{3164}\u{2800}`],
    ['\ud800x\udc00', String.raw`\u{d800}x\u{dc00}`],
    [String.raw`C:\x1b`, String.raw`C:\\x1b`],
  ])('turns %j into %j', (text, shown) => {
    expect(safeText(text)).toBe(shown)
  })

  it('returns one line of visible characters for any text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = safeText(text)
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u)
        expect(shown).not.toMatch(/(?! )\p{Z}/u)
      }),
    )
  })

  it('never returns the same text for two texts', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(readBack(safeText(text))).toBe(text)
      }),
    )
  })
})

it('safe escapes the values of a template and not its words', () => {
  expect(safe`row ${7n}\t${'\u001b'}!`).toBe(String.raw`row 7	\x1b!`)
})

it('safeLines keeps lines apart and escapes the rest', () => {
  expect(safeLines('one\r\n\ttwo\u0007\nthree')).toEqual(['one', String.raw`  two\x07`, 'three'])
})

describe('jsonText', () => {
  it('returns JSON of the same value, without a character that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), hostile, fc.record({ text: hostile })), (value) => {
        const text = jsonText(value)
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it.each([
    [9007199254740991n, '9007199254740991'],
    [9007199254740993n, '"9007199254740993"'],
    [{ a: undefined, b: null }, '{"b":null}'],
  ])('turns %s into %s', (value, text) => {
    expect(jsonText(value)).toBe(text)
  })
})

describe('hideCredentials', () => {
  it.each([
    ['connect postgres://user:hunter2@host:5432/db failed', 'connect postgres://***@host:5432/db failed'],
    ['postgresql://user:hun/ter@2@host/db', 'postgresql://***@host/db'],
    ['https://example.org/path is fine', 'https://example.org/path is fine'],
    ['a mail to me@example.org', 'a mail to me@example.org'],
  ])('%s', (text, shown) => {
    expect(hideCredentials(text)).toBe(shown)
  })
})
