import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineReader } from '../../src/bundle/line-reader.js'
import { lineLength, writeLine } from '../../src/bundle/line-writer.js'
import type { ByteRow } from '../../src/chain/fast-path.js'
import type { StoredRow } from '../../src/chain/fold.js'

const HASH = 'a1'.repeat(32)
const OTHER = '0f'.repeat(32)

type Read = StoredRow | undefined

const copied = (row: StoredRow): StoredRow => ({
  ...row,
  ...(row.canonical && { canonical: Uint8Array.from(row.canonical) }),
})

/** Returns the rows of a segment; undefined for a line that is not a row. */
function read(content: string): Read[] {
  const rows: Read[] = []
  new LineReader({
    add: (row) => rows.push(copied(row.stored())),
    addStored: (row) => rows.push(row),
    addMalformed: () => rows.push(undefined),
  }).read(Buffer.from(content, 'latin1'))
  return rows
}

/** Reads the same with JSON.parse: one key order, only ASCII, one spelling of each value. */
function plainly(line: string): Read {
  let value: { seq: number; prev_hash: string; entry_hash: string; canonical_bytes: string }
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const { seq, prev_hash: prevHash, entry_hash: entryHash, canonical_bytes } = value
  const canonical = Uint8Array.from(Buffer.from(String(canonical_bytes), 'base64'))
  const isRow = [prevHash, entryHash].every((hash) => /^[0-9a-f]{64}$/.test(hash)) && canonical.length > 0
  const again = JSON.stringify({
    seq,
    prev_hash: prevHash,
    entry_hash: entryHash,
    canonical_bytes: Buffer.from(canonical).toString('base64'),
  })
  return isRow && again === line && Number.isInteger(seq) && Math.abs(seq) <= 2 ** 53
    ? { seq, canonical, prevHash, entryHash }
    : undefined
}

function line(seq: number | string, base64 = 'AAEC', prev = HASH, entry = OTHER): string {
  return `{"seq":${seq},"prev_hash":"${prev}","entry_hash":"${entry}","canonical_bytes":"${base64}"}`
}

describe('LineReader', () => {
  it('reads the lines that are written', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(
        seq,
        hash,
        hash,
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        (seq, prev, entry, canonical) => {
          const bytes = Buffer.concat([Buffer.from('x'), prev, Buffer.from('y'), entry])
          const stored = {
            seq,
            canonical,
            prevHash: bytes.toString('hex', 1, 33),
            entryHash: bytes.toString('hex', 34),
          }
          const row: ByteRow = { seq, canonical, bytes, prevAt: 1, entryAt: 34, stored: () => stored }
          const content = Buffer.alloc(lineLength(row, String(seq)))
          writeLine(row, String(seq), content, 0)
          const written = content.toString('latin1')
          expect(written).toBe(
            `${line(seq, Buffer.from(canonical).toString('base64'), stored.prevHash, stored.entryHash)}\n`,
          )
          expect(read(written + written)).toEqual([stored, stored])
        },
      ),
    )
  })

  it('refuses a line with a changed byte, unless JSON.parse reads the same row', () => {
    const honest = line(4711, 'AAECAw==')
    const at = fc.integer({ min: 0, max: honest.length - 1 })
    fc.assert(
      fc.property(at, fc.integer({ min: 0, max: 255 }), (place, byte) => {
        fc.pre(byte !== 0x0a)
        const changed = honest.slice(0, place) + String.fromCharCode(byte) + honest.slice(place + 1)
        expect(read(`${changed}\n`)).toEqual([plainly(changed)])
      }),
      { numRuns: 20_000 },
    )
  })

  it.each([
    ['a cut line', line(1).slice(0, -1)],
    ['an empty line', ''],
    ['a line with more after it', `${line(1)} `],
    ['a line with upper-case digits', line(1, 'AAEC', HASH.toUpperCase())],
    ['a line without canonical bytes', line(1, '')],
    ['a seq with a leading zero', line('01')],
    ['a seq of minus zero', line('-0')],
    ['a missing seq', line('')],
    ['a seq with a fraction', line('1.5')],
    ['a seq with an exponent', line('1e3')],
    ['a seq beyond every number', line('9007199254740993')],
    ['a seq of 17 digits', line('12345678901234567')],
    ['canonical bytes that are too long', line(1, 'A'.repeat(4 * 30_000))],
  ])('refuses %s', (_name, text) => expect(read(`${text}\n`)).toEqual([undefined]))

  it.each([0, -5, 1, 123_456_789_012_345, 9_007_199_254_740_991, 9_007_199_254_740_992])(
    'reads row %s',
    (seq) => {
      expect(read(`${line(seq)}\n`)).toMatchObject([{ seq, prevHash: HASH, entryHash: OTHER }])
    },
  )

  it('refuses a line without its newline', () =>
    expect(read(`${line(1)}\n${line(2)}`)).toMatchObject([{ seq: 1 }, undefined]))

  it('reads what is left of a damaged row', () => {
    const damaged = `{"seq":-3,"prev_hash":null,"entry_hash":"${HASH}","problem":"a column is NULL"}`
    const row = { seq: -3, prevHash: undefined, entryHash: HASH, problem: 'a column is NULL' }
    expect(read(`${damaged}\n`)).toEqual([row])
    expect(read(`${damaged.replace('NULL', 'N\\u0055LL')}\n`)).toEqual([undefined])
  })
})
