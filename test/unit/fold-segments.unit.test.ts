import { describe, expect, it } from 'vitest'
import type { ChainHead } from '../../src/chain/entry.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { chained, rehashed, stored } from '../support/chain-builder.js'
import {
  type Attack,
  bare,
  brokenLink,
  computed,
  duplicate,
  expectAttack,
  F1,
  folded,
  gap,
  hashOf,
  honest,
  inOrder,
  LENGTH,
  malformed,
  outOfRange,
  row,
  unexpectedHead,
  without,
  withRows,
  withStored,
} from '../support/fold-cases.js'

describe('pins', () => {
  const pinOf = (seq: number): ChainHead => ({ seq, hash: hashOf(seq) })
  const rewritten = [
    ...honest.slice(0, 3),
    ...chained(
      honest.slice(3).map((r) => ({ ...r, relation: 'rewritten' })),
      hashOf(3),
    ),
  ]
  const rewrittenHash = (seq: number) => rewritten[seq - 1]?.entryHash
  const rewrittenRows = rewritten.map(stored)
  const elsewhere: ChainHead = { seq: 5, hash: F1 }
  const beyond: ChainHead = { seq: LENGTH + 4, hash: F1 }

  const CASES: readonly Attack[] = [
    { name: 'a rewritten suffix without a pin: no finding', rows: rewrittenRows, findings: [] },
    {
      name: 'a rewritten suffix with a pin',
      rows: rewrittenRows,
      options: { pins: [pinOf(LENGTH)] },
      findings: [unexpectedHead(pinOf(LENGTH), rewrittenHash(LENGTH))],
    },
    {
      name: 'pins of rows before the rewritten rows',
      rows: rewrittenRows,
      options: { pins: [pinOf(3)] },
      findings: [],
    },
    {
      name: 'pins of neighbours, in any order: one range',
      rows: rewrittenRows,
      options: { pins: [pinOf(6), pinOf(8), pinOf(5)] },
      findings: [
        { ...unexpectedHead(pinOf(5), rewrittenHash(5)), seqTo: 6 },
        unexpectedHead(pinOf(8), rewrittenHash(8)),
      ],
    },
    {
      name: 'a pin that is met',
      rows: honest.map(stored),
      options: { pins: [pinOf(1), pinOf(5), pinOf(8)] },
      findings: [],
    },
    {
      name: 'a pin that is met twice',
      rows: honest.map(stored),
      options: { pins: [pinOf(5), pinOf(5)] },
      findings: [],
    },
    {
      name: 'a pin that is unmet twice',
      rows: honest.map(stored),
      options: { pins: [elsewhere, elsewhere] },
      findings: [unexpectedHead(elsewhere, hashOf(5))],
    },
    {
      name: 'two pins that contradict each other',
      rows: honest.map(stored),
      options: { pins: [pinOf(5), elsewhere] },
      findings: [unexpectedHead(elsewhere, hashOf(5))],
    },
    {
      name: 'a pin beyond the end: the tail was cut and the head rewound',
      rows: honest.map(stored),
      options: { pins: [beyond] },
      findings: [unexpectedHead(beyond)],
    },
    {
      name: 'a pin of a deleted row',
      rows: without(5),
      options: { pins: [pinOf(5)] },
      findings: [gap(5, 5, hashOf(5)), unexpectedHead(pinOf(5))],
    },
    {
      name: 'a pin of a duplicated row: one of the two rows meets it',
      rows: inOrder([stored(rehashed({ ...row(5), relation: 'forged' })), ...honest.map(stored)]),
      options: { pins: [pinOf(5)] },
      findings: [duplicate(5, computed({ ...row(5), relation: 'forged' }), hashOf(5))],
    },
    {
      name: 'a pin of a duplicated row, with the forged row last',
      rows: inOrder([...honest.map(stored), stored(rehashed({ ...row(5), relation: 'forged' }))]),
      options: { pins: [pinOf(5)] },
      findings: [duplicate(5, hashOf(5), computed({ ...row(5), relation: 'forged' }))],
    },
    {
      name: 'a pin of a row without an entry_hash',
      rows: withStored(bare(5, { entryHash: undefined })),
      options: { pins: [pinOf(5)] },
      findings: [malformed(5), unexpectedHead(pinOf(5))],
    },
    {
      name: 'a pin of the row before the segment, met',
      rows: honest.slice(3).map(stored),
      options: { fromSeq: 5, pins: [pinOf(4)] },
      findings: [],
    },
    {
      name: 'a pin of the row before the segment, unmet',
      rows: rewrittenRows.slice(3),
      options: { fromSeq: 5, pins: [pinOf(4)] },
      findings: [unexpectedHead(pinOf(4), rewrittenHash(4))],
    },
    {
      name: 'a pin of a chain that has no rows left',
      rows: [],
      options: { pins: [pinOf(LENGTH)] },
      findings: [unexpectedHead(pinOf(LENGTH))],
    },
  ]
  it.each(CASES.map((attack) => [attack.name, attack] as const))('%s', (_name, attack) => {
    expectAttack(attack)
  })
})

describe('a segment that starts above 1', () => {
  const from = (first: number) => honest.slice(first - 1).map(stored)
  const forged = rehashed({ ...row(4), relation: 'forged' })
  const CASES: readonly Attack[] = [
    { name: 'with its predecessor', rows: from(4), options: { fromSeq: 5 }, findings: [] },
    {
      name: 'without its predecessor: the first link is not judged',
      rows: from(5),
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'predecessor rehashed',
      rows: [stored(forged), ...from(5)],
      options: { fromSeq: 5 },
      findings: [brokenLink(5, forged.entryHash, hashOf(4))],
    },
    {
      name: 'predecessor edited, which this segment does not judge',
      rows: [stored({ ...row(4), relation: 'x' }), ...from(5)],
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'predecessor duplicated: one of the two must be linked to',
      rows: [stored(forged), ...from(4)],
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'prev_hash of its first row edited',
      rows: [stored(row(4)), stored({ ...row(5), prevHash: F1 }), ...from(6)],
      options: { fromSeq: 5 },
      findings: [brokenLink(5, hashOf(4), F1)],
    },
    {
      name: 'predecessor without an entry_hash',
      rows: [{ seq: 4, problem: 'p' }, ...from(5)],
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'a source that gives more earlier rows',
      rows: from(1),
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'a source that gives earlier rows but not the predecessor',
      rows: [stored(row(2)), ...from(5)],
      options: { fromSeq: 5 },
      findings: [],
    },
  ]
  it.each(CASES.map((attack) => [attack.name, attack] as const))('%s', (_name, attack) => {
    expectAttack(attack)
    expect(folded(attack.rows, attack.options).rows).toBe(LENGTH - 4)
  })

  it('has no rows and no last row if it begins beyond the end', () => {
    expect(folded(from(8), { fromSeq: 9 })).toEqual({ rows: 0, findings: [] })
  })
})

describe('the last row of the segment', () => {
  it.each<readonly [string, readonly StoredRow[], ChainHead | undefined]>([
    [
      'as stored, whatever its real hash',
      withRows({ ...row(LENGTH), entryHash: F1 }),
      { seq: LENGTH, hash: F1 },
    ],
    ['behind a gap', without(7), { seq: LENGTH, hash: hashOf(LENGTH) }],
    ['without an entry_hash', withStored(bare(LENGTH, { entryHash: undefined })), undefined],
    ['only rows with impossible seqs', [outOfRange(0)], undefined],
    [
      'before one with an impossible seq',
      [...honest.map(stored), outOfRange(2 ** 53)],
      { seq: 8, hash: hashOf(8) },
    ],
  ])('%s', (_name, rows, last) => {
    expect(folded(rows).last).toEqual(last)
  })
})
