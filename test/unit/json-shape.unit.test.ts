import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOfString, jsonShape, keyCount } from '../../src/base/json-shape.js'

/** Removes the strings, and then counts. */
function slowShape(text: string): { depth: number; keys: number } {
  const rest = text.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)/gs, '')
  let [depth, open] = [0, 0]
  for (const c of rest.replace(/[^[\]{}]/g, '')) {
    open += '[{'.includes(c) ? 1 : -1
    depth = Math.max(depth, open)
  }
  return { depth, keys: rest.split(':').length - 1 }
}

describe('jsonShape', () => {
  it('counts what is left of any text without its strings', () => {
    const token = fc.constantFrom(
      '"',
      '\\',
      '\\\\',
      '\\"',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      'a',
      'ü',
      '\u{1f600}',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        const text = tokens.join('')
        expect(jsonShape(text)).toEqual(slowShape(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('counts the keys of a text as those of its value, where no key occurs twice', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonShape(JSON.stringify(value)).keys).toBe(keyCount(JSON.parse(JSON.stringify(value))))
      }),
    )
  })
})

describe('endOfString', () => {
  it.each([
    ['"a"', 2],
    ['"\\""', 3],
    ['"\\\\"', 3],
    ['"\\\\\\""', 5],
    ['"', 1],
    ['"\\"', 3],
    ['"a\\', 3],
  ])('finds where %s closes', (text, end) => {
    expect(endOfString(text, 0)).toBe(end)
  })
})
