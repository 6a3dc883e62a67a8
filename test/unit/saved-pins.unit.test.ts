import { describe, expect, it } from 'vitest'
import { strayNotes } from '../../src/cli/output/stray-note.js'
import { parsePins } from '../../src/cli/verify/parse-pins.js'

const ids = ['a', 'b', 'c'].map((digit) => `0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a00${digit}`)
const head = { seq: 3, hash: 'ab'.repeat(32) }
const result = (id: string | undefined) => JSON.stringify({ ok: true, domain_id: id, head })
const summary = (chains: number, failed?: number) => JSON.stringify({ summary: { chains, failed } })
const [a, b, c] = ids.map(result)

describe('a file of saved results', () => {
  it.each<[string, (string | undefined)[], number, RegExp | undefined]>([
    ['of every chain', [a, b, c, summary(3, 0)], 3, undefined],
    ['of a version without the count of failed chains', [a, summary(1)], 1, undefined],
    ['of a run in which a chain failed', [a, b, summary(3, 1)], 2, /^1 of its 3 chains could not be checked/],
    ['of one chain', [a], 1, undefined],
    ['of one chain, twice', [a, a], 1, undefined],
    ['of several chains without a summary', [a, b], 2, /^it has results of 2 chains and no summary/],
    ['that begins with a byte order mark', [`\uFEFF${a}`, summary(1, 0)], 1, undefined],
    ['with lines of Windows', [`${a}\r`, `${b}\r`, `${summary(2, 0)}\r`], 2, undefined],
  ])('%s is read', (_name, lines, chains, gap) => {
    const pins = parsePins(`${lines.join('\n')}\n`)
    expect([...pins.heads.keys()]).toEqual(ids.slice(0, chains))
    if (gap === undefined) expect(pins.gap).toBeUndefined()
    else expect(pins.gap).toMatch(gap)
  })

  it.each<[string, (string | undefined)[]]>([
    ['fewer results than the summary counts', [a, summary(2, 0)]],
    ['fewer results than chains that did not fail', [a, summary(3, 1)]],
    ['one result twice', [a, a, summary(3, 1)]],
    [
      'a head of no row',
      [JSON.stringify({ ok: true, domain_id: ids[0], head: { seq: 0, hash: '0'.repeat(64) } })],
    ],
    ['a mark in a later line', [a, `\uFEFF${b}`, summary(2, 0)]],
  ])('with %s is refused', (_name, lines) => {
    expect(() => parsePins(lines.join('\n'))).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

it.each([
  [1, ['x'], '1 name below audit/ID/ is no key of a row and no part of the chain: x'],
  [2, ['x', 'y'], '2 names below audit/ID/ are no keys of rows and no part of the chain: x, y'],
  [9, ['x', 'y', 'z'], '9 names below audit/ID/ are no keys of rows and no part of the chain: x, y, z, …'],
])('notes %i stray names', (count, examples, says) => {
  expect(strayNotes('ID', { count, examples })).toEqual([`note: ${says}`])
})
