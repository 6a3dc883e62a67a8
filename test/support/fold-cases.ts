import { expect } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry, ChainHead } from '../../src/chain/entry.js'
import { type ByteRow, FastPath } from '../../src/chain/fast-path.js'
import type { Finding } from '../../src/chain/finding.js'
import { ChainFold, type FoldOptions, type FoldResult, type StoredRow } from '../../src/chain/fold.js'
import { type Hasher, isHash, nobleHasher, ZERO_HASH } from '../../src/chain/hash.js'
import { chainOf, rehashed, stored } from './chain-builder.js'

export const LENGTH = 8
export const honest = chainOf(LENGTH)

export const F1 = 'f1'.repeat(32)
export const F2 = 'f2'.repeat(32)

export type Options = Partial<Omit<FoldOptions, 'hasher'>>
export type Expected = Omit<Finding, 'detail' | 'rows' | 'copy'>

function foldWith(hasher: Hasher, rows: Iterable<StoredRow>, options: Options): FoldResult {
  const fold = new ChainFold({ fromSeq: 1, ...options, hasher })
  for (const row of rows) fold.add(row)
  return fold.finish()
}

/** Folds the same rows by the fast path, as far as they can be bytes. */
function passedWith(hasher: Hasher, rows: Iterable<StoredRow>, options: Options): FoldResult {
  const whole = { fromSeq: 1, ...options, hasher }
  const lane = new FastPath(new ChainFold(whole), whole)
  for (const row of rows) {
    const bytes = byteRow(row)
    if (bytes === undefined) lane.addStored(row)
    else lane.add(bytes)
  }
  return lane.finish()
}

function byteRow(row: StoredRow): ByteRow | undefined {
  const { seq, canonical, problem, unknownGeneration, prevHash = '', entryHash = '' } = row
  if (canonical === undefined || problem !== undefined || unknownGeneration !== undefined) return undefined
  if (!isHash(prevHash) || !isHash(entryHash)) return undefined
  const bytes = Buffer.from(`ff${prevHash}ff${entryHash}`, 'hex')
  return { seq, canonical, bytes, prevAt: 1, entryAt: 34, stored: () => row }
}

/** Folds with both hashers and both paths, whose results must be equal. */
export function folded(rows: Iterable<StoredRow>, options: Options = {}): FoldResult {
  const all = [...rows]
  const result = foldWith(nobleHasher, all, options)
  expect(foldWith(nodeHasher, all, options)).toEqual(result)
  expect(passedWith(nobleHasher, all, options)).toEqual(result)
  expect(passedWith(nodeHasher, all, options)).toEqual(result)
  return result
}

export const places = (findings: readonly Finding[]): Expected[] =>
  findings.map(({ detail, rows, copy, ...place }) => {
    expect(detail).not.toBe('')
    return place
  })

export const inOrder = (rows: readonly StoredRow[]) => [...rows].sort((a, b) => a.seq - b.seq)
export const row = (seq: number): ChainedEntry => {
  const found = honest[seq - 1]
  if (found === undefined) throw new Error(`no row ${seq}`)
  return found
}
export const hashOf = (seq: number): string => (seq === 0 ? ZERO_HASH : row(seq).entryHash)
/** Returns the entry_hash of the row with its own prev_hash. */
export const computed = (entry: ChainedEntry): string => rehashed(entry).entryHash

/** Returns the honest chain with some rows in place of those with the same seq. */
export const withRows = (...changed: readonly ChainedEntry[]): StoredRow[] =>
  honest.map((r) => stored(changed.find((c) => c.seq === r.seq) ?? r))
export const without = (...seqs: readonly number[]): StoredRow[] =>
  honest.filter((r) => !seqs.includes(r.seq)).map(stored)

export const mismatch = (entry: ChainedEntry): Expected => ({
  code: 'entry_hash_mismatch',
  seqFrom: entry.seq,
  seqTo: entry.seq,
  expected: computed(entry),
  observed: entry.entryHash,
})
export const brokenLink = (
  seqFrom: number,
  expected: string,
  observed: string,
  seqTo = seqFrom,
): Expected => ({
  code: 'broken_link',
  seqFrom,
  seqTo,
  expected,
  observed,
})
export const gap = (seqFrom: number, seqTo: number, expected?: string): Expected => ({
  code: 'seq_gap',
  seqFrom,
  seqTo,
  expected,
})
export const malformed = (seq: number, observed?: string): Expected => ({
  code: 'malformed_row',
  seqFrom: seq,
  seqTo: seq,
  observed,
})
export const duplicate = (seq: number, expected?: string, observed?: string): Expected => ({
  code: 'duplicate_seq',
  seqFrom: seq,
  seqTo: seq,
  expected,
  observed,
})
export const unexpectedHead = (pin: ChainHead, observed?: string): Expected => ({
  code: 'unexpected_head',
  seqFrom: pin.seq,
  seqTo: pin.seq,
  expected: pin.hash,
  observed,
})

export interface Attack {
  readonly name: string
  readonly rows: readonly StoredRow[]
  readonly options?: Options
  readonly findings: readonly Expected[]
}

export function expectAttack({ rows, options, findings }: Attack): void {
  expect(places(folded(rows, options).findings)).toEqual(findings)
}

export const withStored = (...changed: readonly StoredRow[]): StoredRow[] =>
  honest.map((r) => changed.find((c) => c.seq === r.seq) ?? stored(r))

export const bare = (seq: number, patch: Partial<StoredRow>): StoredRow => ({ ...stored(row(seq)), ...patch })

export const outOfRange = (seq: number): StoredRow => ({ ...stored(row(1)), seq })
