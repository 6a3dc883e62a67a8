import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parsePins } from '../../src/cli/verify/parse-pins.js'
import { linesAfter, rememberedLines } from '../../src/cli/verify/remember/remembered-lines.js'

const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const B = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
const at = (seq: number, digit = 'a') => ({ seq, hash: digit.repeat(64) })
const line = (domain_id: string, head: object, more: object = {}) =>
  JSON.stringify({ ok: true, domain_id, head, ...more })

it.each<[string, string[], Parameters<typeof linesAfter>[1], string[]]>([
  ['writes the first head', [], [{ domainId: A, head: at(5), checked: [] }], [line(A, at(5))]],
  [
    'replaces a head that was compared, and keeps other chains in their places',
    [line(A, at(5)), line(B, at(9))],
    [{ domainId: A, head: at(7), checked: [at(5)] }],
    [line(A, at(7)), line(B, at(9))],
  ],
  ['never lowers a head', [line(A, at(9))], [{ domainId: A, head: at(5), checked: [] }], [line(A, at(9))]],
  [
    'keeps a lower head that lies outside the verified rows',
    [line(A, at(5))],
    [{ domainId: A, head: at(9), checked: [] }],
    [line(A, at(5)), line(A, at(9))],
  ],
  [
    'keeps another head of the same row that another run wrote meanwhile',
    [line(A, at(5)), line(A, at(9, 'b'))],
    [{ domainId: A, head: at(9), checked: [at(5)] }],
    [line(A, at(9)), line(A, at(9, 'b'))],
  ],
  [
    'writes the same head once',
    [line(A, at(9))],
    [{ domainId: A, head: at(9), checked: [at(9)] }],
    [line(A, at(9))],
  ],
  [
    'keeps a line that says how far the chain was archived',
    [line(A, at(5), { archived_through: 4 })],
    [{ domainId: A, head: at(9), checked: [at(5)] }],
    [line(A, at(5), { archived_through: 4 }), line(A, at(9))],
  ],
  ['keeps everything where nothing was seen', [line(A, at(5))], [], [line(A, at(5))]],
])('%s', (_name, before, seen, after) => {
  expect(linesAfter(rememberedLines(before.join('\n')), seen)).toEqual(after)
})

it('writes lines that --expect-heads reads', () => {
  const lines = linesAfter([], [{ domainId: A, head: at(5), checked: [] }])
  expect(parsePins(lines.join('\n')).heads).toEqual(new Map([[A, [at(5)]]]))
})

it.each([
  ['a result that is not ok', line(A, at(5), { ok: false })],
  ['a summary', '{"summary":{"chains":1,"failed":0}}'],
  ['no JSON', 'heads'],
  ['a head without a row', line(A, at(0))],
  ['a short hash', line(A, { seq: 5, hash: 'ab' })],
])('refuses %s and names the line', (_name, text) => {
  expect(() => rememberedLines(`${line(B, at(1))}\n\n${text}`)).toThrow(/^line 3: /)
})

it('throws only its own error, whatever the file holds', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        rememberedLines(text)
      } catch (error) {
        expect(error).toBeInstanceOf(AuditError)
      }
    }),
  )
})

it('loses no line of another chain, whatever heads are seen', () => {
  const head = fc.record({
    seq: fc.integer({ min: 1, max: 9 }),
    hash: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
  })
  fc.assert(
    fc.property(fc.array(head), head, fc.array(head), (old, seen, checked) => {
      const before = [...old.map((one) => line(A, one)), line(B, at(3))]
      const after = linesAfter(rememberedLines(before.join('\n')), [{ domainId: A, head: seen, checked }])
      const seqs = rememberedLines(after.join('\n')).filter(({ domainId }) => domainId === A)
      const highest = Math.max(...old.map(({ seq }) => seq), seen.seq)
      expect(after).toContain(line(B, at(3)))
      expect(Math.max(...seqs.map((one) => one.head.seq))).toBe(highest)
    }),
  )
})
