import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/chain/finding.js'
import { placedLine } from '../../src/cli/append/placed-line.js'
import { exportText } from '../../src/cli/bundle/text.js'
import { alignedRows, indented, packed } from '../../src/cli/output/fit-lines.js'
import { PLAIN } from '../../src/cli/output/style.js'
import { textWidth } from '../../src/cli/output/text-width.js'
import { findingsLines } from '../../src/cli/verify/finding-text.js'

const at = (columns?: number) => ({ ...PLAIN, columns })
const HASH = 'ab'.repeat(32)

describe('lines for a terminal', () => {
  it('packs parts, and begins a line where there is no room', () => {
    expect(packed(['one', 'two', 'three'], at(10), 4)).toEqual(['one  two', '    three'])
    expect(packed(['one', 'two', 'three'], at(), 4)).toEqual(['one  two  three'])
    expect(packed(['a part that is too long', 'two'], at(10), 2)).toEqual([
      'a part that is too long',
      '  two',
    ])
  })

  it('breaks a text where words end', () => {
    expect(indented('one two three four', at(20), 4)).toEqual(['    one two three', '    four'])
    expect(indented('one two three four', at(), 4)).toEqual(['    one two three four'])
  })

  it('aligns columns and breaks the widest ones, without losing a character', () => {
    const cells = fc.array(
      fc.tuple(fc.stringMatching(/^[a-z]{1,60}$/), fc.stringMatching(/^[a-z]{1,60}$/), fc.constant('x')),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(cells, fc.integer({ min: 40, max: 90 }), (rows, columns) => {
        for (const [index, lines] of alignedRows(rows, at(columns), 4).entries()) {
          for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns)
          const kept = [...lines.join('').replaceAll(' ', '')].sort()
          expect(kept).toEqual([...(rows[index] ?? []).join('')].sort())
        }
      }),
    )
  })
})

describe('a finding with changes', () => {
  const fields = {
    recorded_at: '2026-01-01T00:00:04.123456Z',
    subject_pseudonym: HASH,
    relation: 'a-relation-that-is-long',
    object: 'project:with-a-long-name-too',
    reason: 'insufficient_relation',
  }
  const finding: Finding = {
    code: 'copies_differ',
    seqFrom: 4,
    seqTo: 4,
    expected: HASH,
    observed: HASH,
    detail: 'PostgreSQL and the mirror hold different rows; the chain of PostgreSQL does not recompute here',
    original: 'mirror',
    rowsChanged: 1,
    changes: [
      {
        seq: 4,
        field: 'object',
        postgres: `project:${'x'.repeat(200)}`,
        mirror: `project:${'y'.repeat(200)}`,
      },
      { seq: 4, field: 'reason', postgres: 'granted', mirror: 'insufficient_relation' },
    ],
    context: [3, 4, 5].map((seq) => ({ seq, check: seq === 4 ? 'damaged' : 'ok', copy: 'postgres', fields })),
  } as Finding
  const lines = (columns?: number) =>
    findingsLines(
      [finding],
      { domainId: '018f0000-0000-7000-8000-000000000001', source: 'both' },
      at(columns),
    )

  it.each([80, 100, 120])('fits into %i columns, except for commands, and keeps both values', (columns) => {
    const text = lines(columns)
    for (const line of text.filter((one) => !one.includes(' audit ')))
      expect(textWidth(line), line).toBeLessThanOrEqual(columns)
    const all = text.join('\n')
    for (const part of ['PostgreSQL: changed', 'mirror: original', 'granted', 'damaged'])
      expect(all).toContain(part)
  })

  it('is whole in a pipe', () => {
    expect(lines().join('\n')).toContain(
      '2026-01-01T00:00:04.123456Z  abababababababab…  a-relation-that-is-long',
    )
  })
})

describe('an export', () => {
  const exported = (findings: readonly Finding[]) =>
    ({
      manifest: {
        domain_id: '018f0000-0000-7000-8000-000000000001',
        rows: 49,
        head: { seq: 49, hash: HASH },
      },
      selection: { kind: 'range', fromSeq: 1, toSeq: 49, filter: {} },
      written: { sha256: HASH, bytes: 52_736 },
      findings,
    }) as unknown as Parameters<typeof exportText>[1]
  const damaged: Finding = { code: 'broken_link', seqFrom: 3, seqTo: 3, detail: 'does not follow row 2' }
  const from = { source: 'bundle', file: 'case.tar' } as const

  it.each([80, 100])('fits into %i columns, except for commands, with whole hashes', (columns) => {
    const text = exportText('payments.tar', exported([damaged]), from, at(columns))
    for (const line of text.split('\n').filter((one) => !one.includes(' audit ')))
      expect(textWidth(line), line).toBeLessThanOrEqual(columns)
    expect(text).toContain(`sha256 ${HASH}`)
    expect(text).toContain(`head 49:${HASH}`)
  })

  it('has its verdict on one line in a pipe', () => {
    const [first, second] = exportText('payments.tar', exported([]), from).split('\n')
    expect(first).toBe(
      'exported  018f0000-0000-7000-8000-000000000001  49 rows, the range 1 to 49, to payments.tar',
    )
    expect(second).toBe(`          sha256 ${HASH}  52736 bytes`)
  })
})

describe('an appended row', () => {
  const placed = {
    domainId: '018f0000-0000-7000-8000-000000000001',
    seq: 7,
    entryHash: HASH,
    recordedAt: 1_700_000_000_000_000n,
  }

  it.each([
    [undefined, `018f0000-0000-7000-8000-000000000001          7  ${HASH}  2023-11-14T22:13:20.000000Z`],
    [80, '018f0000-0000-7000-8000-000000000001          7  abababab…  2023-11-14T22:13:20Z'],
    [60, '018f0000…          7  abababab…  2023-11-14T22:13:20Z'],
  ])('is one line in %s columns', (columns, line) => {
    expect(placedLine(placed, { columns, unicode: true })).toBe(line)
  })
})
