import { expect, it } from 'vitest'
import { Holes } from '../../src/chain/tree/holes.js'
import type { SignedRoot } from '../../src/ports/log/heads.js'
import { judgeRoots } from '../../src/verify/signed/judge-roots.js'
import { TreeRoots } from '../../src/verify/signed/tree-roots.js'
import { chainOf, stored } from '../support/chain-builder.js'
import { verdictOn } from '../support/report-pages.js'
import { definedRoot, HASHER, hex, TLOG, unhex } from '../support/tlog-vectors.js'

const CHAIN = chainOf(12)
const rootOf = (size: number) =>
  hex(definedRoot(CHAIN.slice(0, size).map(({ entryHash }) => unhex(entryHash))))

/** Hashes the rows with these seqs, in this order. */
function hashed(sizes: readonly number[], seqs: readonly number[], holes?: Holes): TreeRoots {
  const roots = new TreeRoots(sizes, HASHER, holes)
  for (const seq of seqs) roots.addStored(stored(CHAIN[seq - 1] as (typeof CHAIN)[number]))
  return roots
}
const ALL = CHAIN.map(({ seq }) => seq)

it('hashes the tree at each size', () => {
  const roots = hashed([1, 5, 12, 13], ALL)
  expect([1, 5, 12].map((size) => roots.at(size)?.root)).toEqual([1, 5, 12].map(rootOf))
  expect(roots.at(5)?.entryHash).toBe(CHAIN[4]?.entryHash)
  expect([roots.at(2), roots.at(13)]).toEqual([undefined, undefined])
})

it.each([
  ['that is missing', [1, 2, 4, 5]],
  ['that is there twice', [1, 2, 2, 3, 4, 5]],
  ['that is out of order', [1, 3, 2, 4, 5]],
])('knows no tree behind a row %s', (_name, seqs) => {
  const roots = hashed([1, 5], seqs)
  expect([roots.at(1)?.root, roots.at(5)]).toEqual([rootOf(1), undefined])
})

it('begins again where another source reads the chain from its begin', () => {
  const roots = hashed([5], [1, 2, 4])
  roots.restart()
  for (const row of CHAIN) roots.addStored(stored(row))
  expect(roots.at(5)?.root).toBe(rootOf(5))
})

it('leaves out the rows that were signed over, whether or not they are there', () => {
  const { rows, signed_over: ranges, root } = TLOG.holes
  const holes = new Holes(
    ranges.map((range) => {
      const [from = 0, to = 0] = range.replace('rows:', '').split('-').map(Number)
      return { from, to }
    }),
  )
  const last = Math.max(...rows.map(({ seq }) => seq))
  for (const isThere of [true, false]) {
    const roots = new TreeRoots([last], HASHER, holes)
    for (const { seq, prev_hash: prevHash, entry_hash: entryHash } of rows)
      if (isThere || holes.at(seq) === undefined) roots.addStored({ seq, prevHash, entryHash })
    expect(roots.at(last)?.root).toBe(root)
  }
})

const signer = { by: 'policy', keyId: 'ada3a13b', logName: 'audit.example.com' } as const
const given = (size: number, root = rootOf(size)): SignedRoot => ({
  place: { kind: 'file', path: `note${size}` },
  size,
  root,
  signer,
})
const OTHER = 'ab'.repeat(32)
const signatures = { unknownKeys: new Map(), foreignRows: new Map() }

function judged(roots: readonly SignedRoot[], patch = {}, areHolesKnown = true) {
  const trees = hashed(
    roots.map(({ size }) => size),
    ALL,
  )
  return judgeRoots(verdictOn(CHAIN, { signatures, ...patch }), roots, {
    at: (size) => trees.at(size),
    areHolesKnown,
  })
}

it('takes the largest root that holds as signed head', () => {
  const { verdict, unproven } = judged([given(5), given(9)])
  expect(unproven).toEqual([])
  expect(verdict.signatures).toMatchObject({
    newestSize: 9,
    through: { throughSeq: 9, entryHash: CHAIN[8]?.entryHash, by: 'policy', rowsBeyond: 3 },
  })
})

it('makes one finding of several roots that differ, from the last one that holds', () => {
  const { verdict } = judged([given(11, OTHER), given(9, OTHER), given(5)])
  expect(verdict).toMatchObject({ ok: false, end: 'unproven' })
  expect(verdict.findings).toMatchObject([
    {
      code: 'checkpoint_mismatch',
      seqFrom: 6,
      seqTo: 9,
      expected: OTHER,
      observed: rootOf(9),
      signedIn: 'the file note9',
    },
  ])
})

it('calls it a conflict where the rows are those of a larger signed head', () => {
  const through = { throughSeq: 12, entryHash: OTHER, ...signer, rowsBeyond: 0 }
  const { verdict } = judged([given(9, OTHER)], { signatures: { ...signatures, through } })
  expect(verdict.findings.map(({ code }) => code)).toEqual(['checkpoint_conflict'])
})

it('finds nothing where rows may have been signed over, or were not all read', () => {
  const holes = judged([given(9, OTHER)], {}, false)
  expect([holes.verdict.ok, holes.unproven.length]).toEqual([true, 1])
  const unread = judged([given(13, OTHER)])
  expect([unread.verdict.ok, unread.unproven.length]).toEqual([true, 1])
})

it('adds no finding to a chain that has one', () => {
  const findings = [{ code: 'seq_gap', seqFrom: 3, seqTo: 3, detail: 'd' }] as const
  expect(judged([given(9, OTHER)], { findings }).verdict.findings).toEqual(findings)
})
