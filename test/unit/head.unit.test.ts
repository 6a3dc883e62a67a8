import { describe, expect, it } from 'vitest'
import type { ChainHead } from '../../src/chain/entry.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { judgeHead, type LastRow } from '../../src/chain/head.js'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const C = 'c'.repeat(64)

const mismatch = (seqFrom: number, seqTo: number, expected?: string, observed?: string) => ({
  code: 'head_mismatch',
  seqFrom,
  seqTo,
  expected,
  observed,
})

describe('judgeHead', () => {
  const CASES: readonly (readonly [
    string,
    ChainHead | undefined,
    LastRow | undefined,
    object | undefined,
  ])[] = [
    ['the last row', { seq: 5, hash: A }, { seq: 5, hashes: [A] }, undefined],
    ['one of two last rows', { seq: 5, hash: B }, { seq: 5, hashes: [A, B] }, undefined],
    ['neither of two last rows', { seq: 5, hash: C }, { seq: 5, hashes: [A, B] }, mismatch(5, 5, A, C)],
    ['a last row with a malformed hash', { seq: 5, hash: A }, { seq: 5, hashes: [] }, undefined],
    ['a last row whose hash was NULL', { seq: 5, hash: A }, { seq: 5, hashes: [''] }, undefined],
    [
      'one last row of two without a hash',
      { seq: 5, hash: B },
      { seq: 5, hashes: ['', A] },
      mismatch(5, 5, A, B),
    ],
    ['another hash', { seq: 5, hash: B }, { seq: 5, hashes: [A] }, mismatch(5, 5, A, B)],
    ['a malformed hash', { seq: 5, hash: 'ab' }, { seq: 5, hashes: [A] }, mismatch(5, 5, A)],
    ['a cut tail of one', { seq: 6, hash: B }, { seq: 5, hashes: [A] }, mismatch(6, 6, A, B)],
    ['a cut tail of three', { seq: 8, hash: B }, { seq: 5, hashes: [A] }, mismatch(6, 8, A, B)],
    ['all rows gone', { seq: 5, hash: B }, undefined, mismatch(1, 5, ZERO_HASH, B)],
    ['a head that went back', { seq: 3, hash: B }, { seq: 5, hashes: [A] }, mismatch(4, 5, A, B)],
    [
      'a head of 0 before rows',
      { seq: 0, hash: ZERO_HASH },
      { seq: 2, hashes: [A] },
      mismatch(1, 2, A, ZERO_HASH),
    ],
    ['a head below 0', { seq: -9, hash: B }, { seq: 2, hashes: [A] }, mismatch(1, 2, A, B)],
    [
      'a head beyond every seq',
      { seq: 2 ** 60, hash: B },
      { seq: 2, hashes: [A] },
      mismatch(3, 2 ** 53, A, B),
    ],
    ['no head', undefined, { seq: 5, hashes: [A] }, mismatch(5, 5, A)],
    ['no head, a last row with a malformed hash', undefined, { seq: 5, hashes: [] }, mismatch(5, 5)],
    ['neither head nor rows', undefined, undefined, mismatch(1, 1, ZERO_HASH)],
    ['an empty chain', { seq: 0, hash: ZERO_HASH }, undefined, undefined],
    ['an empty chain with a hash', { seq: 0, hash: A }, undefined, mismatch(1, 1, ZERO_HASH, A)],
  ]
  it.each(CASES)('judges: %s', (_name, head, last, expected) => {
    const found = judgeHead(head, last)
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toEqual({ ...expected, detail: expect.stringMatching(/./) })
  })
})
