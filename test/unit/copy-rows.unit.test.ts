import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { rowFields } from '../../src/chain/evidence/row-fields.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { MAGIC } from '../../src/chain/layout.js'
import { CopyFrames } from '../../src/repo/wire/copy-frames.js'
import { CopyRows } from '../../src/repo/wire/copy-rows.js'
import { chainOf, DOMAIN, stored } from '../support/chain-builder.js'
import {
  backendStream,
  bytes,
  copyFile,
  int2,
  int8,
  message,
  REST,
  text,
  textArray,
  type WireRow,
  wireRow,
} from '../support/copy-stream.js'
import { entryArbitrary, hashArbitrary } from '../support/entry-arbitrary.js'

/** Rows of one chain that are not linked: the reader must not depend on links. */
const rowsArbitrary: fc.Arbitrary<ChainedEntry[]> = fc.array(
  fc
    .tuple(entryArbitrary, hashArbitrary, hashArbitrary)
    .map(([entry, prevHash, entryHash]) => ({ ...entry, domainId: DOMAIN, prevHash, entryHash })),
  { maxLength: 6 },
)

/** Sizes of the pieces of a byte stream, used in turn. */
const cutsArbitrary = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 })

function cut(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, i = 0; at < stream.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1
    pieces.push(stream.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** Reads a backend's stream. Copies the canonical bytes, which are only valid during the call with the row. */
function read(chunks: readonly Buffer[]): { rows: StoredRow[]; rest: Buffer | undefined } {
  const rows: StoredRow[] = []
  const copy = new CopyRows(DOMAIN, {
    add: (row) => rows.push(own(row.stored())),
    addStored: (row) => rows.push(row),
  })
  const frames = new CopyFrames((data, from, to) => copy.push(data, from, to))
  let rest: Buffer | undefined
  for (const chunk of chunks) rest ??= frames.push(chunk)
  return { rows, rest }
}

function own(row: StoredRow): StoredRow {
  return row.canonical === undefined ? row : { ...row, canonical: Uint8Array.from(row.canonical) }
}

function only(row: Partial<WireRow>): StoredRow | undefined {
  const [plain] = chainOf(1).map(wireRow)
  const { rows } = read([backendStream(copyFile([{ ...(plain as WireRow), ...row }]))])
  expect(rows).toHaveLength(1)
  return rows[0]
}

describe('CopyRows and CopyFrames', () => {
  it('read the same rows for every chunking of the socket and of the CopyData messages', () => {
    fc.assert(
      fc.property(rowsArbitrary, cutsArbitrary, cutsArbitrary, (entries, messages, chunks) => {
        const file = Buffer.concat(copyFile(entries.map(wireRow)))
        const { rows, rest } = read(cut(backendStream(cut(file, messages)), chunks))
        expect(rows).toEqual(entries.map(stored))
        expect(rest).toEqual(REST)
      }),
    )
  })

  it('read a stream byte by byte', () => {
    const entries = chainOf(3)
    const { rows, rest } = read(cut(backendStream(copyFile(entries.map(wireRow))), [1]))
    expect(rows).toEqual(entries.map(stored))
    expect(rest).toEqual(REST)
  })

  it('skip an extension of the header', () => {
    const entries = chainOf(2)
    const stream = backendStream(copyFile(entries.map(wireRow), Buffer.alloc(33, 7)))
    expect(read([stream]).rows).toEqual(entries.map(stored))
  })

  it('read a stream without rows', () => {
    expect(read([backendStream(copyFile([]))])).toEqual({ rows: [], rest: REST })
  })

  it('leave to the driver all messages after the copy, also an incomplete one: a server may shut down at once', () => {
    const goodbye = Buffer.concat([REST, message('E', text('FATAL\0'))])
    for (const rest of [goodbye, goodbye.subarray(0, -3)]) {
      expect(read([backendStream(copyFile([]), rest)]).rest).toEqual(rest)
    }
  })

  it('keep other messages for the driver in order, and need more bytes until the server is ready', () => {
    const notice = message('N', text('SNOTICE\0\0'))
    const failure = message('E', text('SERROR\0\0'))
    const pieces = copyFile(chainOf(2).map(wireRow)).map((piece) => message('d', piece))
    const stream = Buffer.concat([notice, ...pieces, failure])
    expect(read([stream]).rest).toBeUndefined()
    expect(read([stream, message('Z', text('E'))]).rest).toEqual(
      Buffer.concat([notice, failure, message('Z', text('E'))]),
    )
  })

  it('read a row longer than the first buffer, and the rows after it', () => {
    const [first, second, third] = chainOf(3)
    const huge = { ...second, relationPath: Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(60_000, 'ä')) }
    const entries = [first, huge, third] as ChainedEntry[]
    const { rows } = read(cut(backendStream(copyFile(entries.map(wireRow))), [65_536]))
    expect(rows.map(({ seq, problem }) => [seq, problem])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ])
    const canonical = Buffer.from(rows[1]?.canonical ?? [])
    expect(canonical.subarray(0, 4)).toEqual(Buffer.from(MAGIC))
    expect(canonical.includes('63'.padEnd(1000, 'ä'))).toBe(true)
    expect(rows[2]).toEqual(stored(entries[2] as ChainedEntry))
  })

  it('join the 32,768 pieces of a message of 32 MB only once', () => {
    const [first, second] = chainOf(2).map(wireRow) as [WireRow, WireRow]
    const stream = backendStream(copyFile([{ ...first, relation: Buffer.alloc(32 << 20, 'a') }, second]))
    const { rows } = read(cut(stream, [1024]))
    expect(rows[0]?.canonical?.length).toBeGreaterThan(32 << 20)
    expect(rows[1]).toEqual(stored(chainOf(2)[1] as ChainedEntry))
  })
})

describe('a row without canonical bytes', () => {
  const NULLABLE = [
    'subject',
    'relation',
    'object',
    'reason',
    'relationPath',
    'caveatContext',
    'correlationId',
    'zedtoken',
    'recordedAt',
    'prevHash',
    'entryHash',
  ] as const

  it.each(NULLABLE)('is reported if %s is NULL', (column) => {
    expect(only({ [column]: null })).toMatchObject({ seq: 1, problem: 'a column is NULL' })
  })

  it('is reported if generation is NULL', () => {
    expect(only({ generation: null })).toMatchObject({ seq: 1, problem: 'generation is NULL' })
  })

  it('is reported by its generation, without a problem, if the generation is unknown', () => {
    expect(only({ generation: int2(2), relation: null })).toEqual({
      seq: 1,
      unknownGeneration: 2,
      prevHash: '00'.repeat(32),
      entryHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  const flat = (lower: number) => textArray(['a', 'b'], [{ size: 2, lower }])
  const square = textArray(
    ['a', 'b'],
    [
      { size: 1, lower: 1 },
      { size: 2, lower: 1 },
    ],
  )
  it.each<[string, Buffer, string]>([
    ['of two dimensions', square, 'not a one-dimensional array'],
    ['with lower bound 0', flat(0), 'its lower bound is not 1'],
    ['with lower bound 2', flat(2), 'its lower bound is not 1'],
    ['with a NULL element', textArray(['a', null, 'b']), 'an element is NULL'],
    ['with nothing but NULL', textArray([null]), 'an element is NULL'],
  ])('is reported if it has an array %s', (_what, array, problem) => {
    expect(only({ relationPath: array })?.problem).toBe(`relation_path: ${problem}`)
    expect(only({ caveatContext: array })?.problem).toBe(`caveat_context: ${problem}`)
  })

  it.each<[string, Partial<WireRow>, string]>([
    ['recorded_at infinity', { recordedAt: int8(2n ** 63n - 1n) }, 'recorded_at is infinite'],
    ['recorded_at -infinity', { recordedAt: int8(-(2n ** 63n)) }, 'recorded_at is infinite'],
    ['a reason of 257', { reason: int2(257) }, 'reason: above 255'],
    ['a reason of -1', { reason: int2(-1) }, 'reason: above 255'],
    ['a pseudonym of 31 bytes', { subject: Buffer.alloc(31) }, 'subject_pseudonym: expected 32 bytes'],
    ['a prev_hash of 33 bytes', { prevHash: Buffer.alloc(33) }, 'a hash is not 32 bytes'],
    ['an empty entry_hash', { entryHash: Buffer.alloc(0) }, 'a hash is not 32 bytes'],
  ])('is reported if it has %s', (_what, row, problem) => {
    expect(only(row)).toMatchObject({ seq: 1, problem })
  })

  it('has the fields that can be read', () => {
    const honest = rowFields(only({}) as StoredRow)
    const { relation: _relation, ...others } = honest
    expect(rowFields(only({ relation: null }) as StoredRow)).toEqual(others)
    const { recorded_at: _time, ...timeless } = honest
    const infinite = only({ recordedAt: int8(2n ** 63n - 1n) }) as StoredRow
    expect(rowFields(infinite)).toEqual({ ...timeless, recorded_at: 'infinity' })
    const list = only({ relationPath: flat(0), reason: int2(257) }) as StoredRow
    expect(rowFields(list)).toEqual({ ...honest, relation_path: ['a', 'b'], reason: 257 })
    const long = only({ object: Buffer.alloc(70_000, 'a'), relation: null }) as StoredRow
    expect(rowFields(long)).not.toHaveProperty('object')
  })

  it('does not affect the rows around it', () => {
    const entries = chainOf(3)
    const wire = entries.map(wireRow)
    wire.splice(1, 1, { ...(wire[1] as WireRow), relationPath: square })
    const { rows } = read([backendStream(copyFile(wire))])
    expect(rows[0]).toEqual(stored(entries[0] as ChainedEntry))
    expect(rows[1]?.problem).toBe('relation_path: not a one-dimensional array')
    expect(rows[2]).toEqual(stored(entries[2] as ChainedEntry))
  })
})

describe('canonical bytes', () => {
  it.each([9, 0, 255])('take a reason of %i unchanged', (ordinal) => {
    const row = only({ reason: int2(ordinal) })
    expect(row?.problem).toBeUndefined()
    expect(row?.canonical?.at(reasonAt(row))).toBe(ordinal)
  })

  it.each([
    [-1n, -1],
    [0n, 0],
    [2n ** 53n, 2 ** 53],
    [2n ** 63n - 1n, 2 ** 53],
  ])('hold no seq of %s, which is reported as %s', (seq, expected) => {
    expect(only({ seq: int8(seq) })?.seq).toBe(expected)
  })

  it.each([
    -1n,
    0n,
    1n,
    0xffff_ffffn,
    0x1_0000_0000n,
    -946_684_800_000_001n,
    -946_684_800_000_000n,
    2n ** 62n,
    -(2n ** 62n),
  ])('take a time of %s µs since 2000 unchanged', (micros) => {
    const row = only({ recordedAt: int8(micros) })
    const tail = Buffer.from(row?.canonical ?? []).readBigInt64BE((row?.canonical?.length ?? 8) - 8)
    expect(tail).toBe(micros + 946_684_800_000_000n)
  })
})

/** Returns the offset of reason: after magic, domain, seq, subject and two texts. */
function reasonAt(row: StoredRow): number {
  const canonical = Buffer.from(row.canonical ?? [])
  const relation = 60
  const object = relation + 4 + canonical.readUInt32BE(relation)
  return object + 4 + canonical.readUInt32BE(object)
}

describe('hostile bytes', () => {
  it('never make the reader throw while the framing is valid', () => {
    const junk = fc.option(fc.uint8Array({ maxLength: 48 }), { nil: null })
    const column = (name: keyof WireRow) => junk.map((value) => ({ [name]: value }))
    const names = Object.keys(wireRow(chainOf(1)[0] as ChainedEntry)) as (keyof WireRow)[]
    const patch = fc.array(fc.oneof(...names.map(column)), { minLength: 1, maxLength: 13 })
    fc.assert(
      fc.property(patch, cutsArbitrary, (patches, cuts) => {
        const entries = chainOf(2)
        const [plain, next] = entries.map(wireRow) as [WireRow, WireRow]
        const hostile = Object.assign({ ...plain }, ...patches) as WireRow
        const { rows } = read(cut(backendStream(copyFile([hostile, next])), cuts))
        expect(rows).toHaveLength(2)
        expect(rows[1]).toEqual(stored(entries[1] as ChainedEntry))
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, Buffer]>([
    [
      'an array that says it has -1 elements',
      Buffer.concat([bytes('000000010000000000000019ffffffff00000001')]),
    ],
    [
      'an array that says it has more elements than it has',
      bytes('000000010000000000000019000000ff0000000100000000'),
    ],
    ['an array with bytes behind its elements', Buffer.concat([textArray(['a']), Buffer.alloc(3)])],
    ['an element longer than the array', bytes('00000001000000000000001900000001000000017fffffff61')],
    ['an array of -1 dimensions', bytes('ffffffff0000000000000019')],
    ['an array of three bytes', bytes('000000')],
  ])('give no canonical bytes for %s', (_what, array) => {
    expect(only({ relationPath: array })?.canonical).toBeUndefined()
    expect(only({ relationPath: array })?.problem).toMatch(/^relation_path: /)
  })

  it('give no canonical bytes for an empty array with bytes behind it', () => {
    const array = Buffer.concat([textArray([]), Buffer.alloc(8)])
    expect(only({ relationPath: array })?.problem).toMatch(/^relation_path: /)
  })
})
