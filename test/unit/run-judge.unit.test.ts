import { describe, expect, it } from 'vitest'
import { judgeGroup } from '../../src/archive/judge-group.js'
import { RunJudge } from '../../src/archive/run-judge.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { BEFORE_ALL_TIMES } from '../../src/chain/row-time.js'
import { chained, chainOf, entryAt, rehashed, stored } from '../support/chain-builder.js'

const CHAIN = chainOf(12)
const every = () => true

interface Run {
  readonly rows: readonly StoredRow[]
  readonly fromSeq?: number
  readonly stampedSeq?: number
  readonly head?: { seq: number; hash: string } | undefined
}

const hashAt = (seq: number) => CHAIN[seq - 1]?.entryHash ?? ''
const HEAD = { seq: 12, hash: hashAt(12) }

function judge({ rows, fromSeq = 1, stampedSeq, head = HEAD }: Run) {
  const options = { fromSeq, stampedSeq, head, groupRows: 5, counts: every, hasher: nodeHasher }
  const run = new RunJudge(options)
  // Zero the bytes after each call, like a source that reuses its buffer.
  for (const row of rows) {
    const canonical = row.canonical === undefined ? undefined : Uint8Array.from(row.canonical)
    run.add({ ...row, canonical })
    canonical?.fill(0)
  }
  const { groups, held, unchecked, findings, isEndProven } = run.finish()
  return {
    groups: groups.map(({ from, to }) => `${from}-${to}`),
    held,
    unchecked,
    isEndProven,
    findings: findings.map(({ code, seqFrom, seqTo }) => `${code} ${seqFrom}-${seqTo}`),
  }
}

/** Returns the chain with its rows from `from` to `to` rewritten, and the later rows unchanged. */
function rewritten(from: number, to: number): ChainedEntry[] {
  const entries = CHAIN.slice(from - 1, to).map((row) => entryAt(row.seq, { relation: 'project.delete' }))
  const forged = chained(entries, from === 1 ? undefined : hashAt(from - 1))
  return [...CHAIN.slice(0, from - 1), ...forged, ...CHAIN.slice(to)]
}

const all = (rows: readonly ChainedEntry[]) => rows.map(stored)
const patched = (seq: number, patch: Partial<StoredRow>) =>
  all(CHAIN).map((row) => (row.seq === seq ? { ...row, ...patch } : row))
const PROVEN = { unchecked: 0, isEndProven: true }

describe('RunJudge', () => {
  it.each<[string, Run, object]>([
    ['that is intact', { rows: all(CHAIN) }, { groups: ['1-5', '6-10', '11-12'], held: 0, findings: [] }],
    [
      'between archived rows',
      { rows: all(CHAIN.slice(2, 8)), fromSeq: 4, stampedSeq: 8 },
      { groups: ['4-7'], held: 0, findings: [] },
    ],
    [
      'with rewritten rows',
      { rows: all(rewritten(3, 6)) },
      { groups: ['7-11', '12-12'], held: 6, findings: ['broken_link 7-7'] },
    ],
    [
      'with rewritten rows and a corrected link after them',
      {
        rows: all(rewritten(3, 6)).map((row, i, rows) =>
          i === 6 ? { ...row, prevHash: rows[5]?.entryHash } : row,
        ),
      },
      { groups: ['7-11', '12-12'], held: 6, findings: ['entry_hash_mismatch 7-7'] },
    ],
    [
      'with rewritten rows and a deleted row after them',
      { rows: all(rewritten(3, 6)).filter(({ seq }) => seq !== 7) },
      { groups: ['8-12'], held: 6, findings: ['seq_gap 7-7'] },
    ],
    [
      'that is damaged twice',
      { rows: all(rewritten(3, 4)).map((row) => (row.seq === 9 ? { ...row, entryHash: hashAt(1) } : row)) },
      {
        groups: ['10-12'],
        held: 9,
        findings: ['broken_link 5-5', 'entry_hash_mismatch 9-9', 'broken_link 10-10'],
      },
    ],
    [
      'with one changed prev_hash',
      { rows: patched(6, { prevHash: hashAt(2) }) },
      { groups: ['1-5', '6-10', '11-12'], held: 0, findings: ['broken_link 6-6'] },
    ],
    [
      'with a duplicated row',
      { rows: all([...CHAIN.slice(0, 6), ...CHAIN.slice(5)]) },
      { groups: ['7-11', '12-12'], held: 6, findings: ['duplicate_seq 6-6'] },
    ],
    [
      'that goes on beyond the head',
      { rows: all(CHAIN), head: { seq: 9, hash: hashAt(9) } },
      { groups: ['1-5', '6-9'], held: 3, isEndProven: false, findings: [] },
    ],
    [
      'that is damaged beyond the head',
      { rows: patched(11, { entryHash: hashAt(1) }), head: { seq: 9, hash: hashAt(9) } },
      { groups: ['1-5', '6-9'], held: 3, isEndProven: false },
    ],
    [
      'with another head',
      { rows: all(CHAIN), head: { seq: 12, hash: hashAt(1) } },
      { groups: [], held: 12, isEndProven: false },
    ],
    [
      'that is cut',
      { rows: all(CHAIN.slice(0, 9)) },
      { groups: [], held: 9, isEndProven: false, findings: [] },
    ],
    [
      'that the archived row after it does not link to',
      { rows: all(rewritten(3, 7)).slice(0, 8), stampedSeq: 8 },
      { groups: [], held: 7, isEndProven: false },
    ],
    [
      'with a row of another generation',
      { rows: patched(6, { canonical: undefined, unknownGeneration: 2 }) },
      { groups: ['6-10', '11-12'], held: 0, unchecked: 5, findings: [] },
    ],
    [
      'before an archived row of another generation',
      { rows: patched(8, { canonical: undefined, unknownGeneration: 2 }).slice(0, 8), stampedSeq: 8 },
      { groups: [], held: 0, unchecked: 7, isEndProven: false, findings: [] },
    ],
    ['without rows', { rows: [] }, { groups: [], held: 0, isEndProven: false }],
  ])('judges a run %s', (_name, run, expected) => {
    expect(judge(run)).toMatchObject({ ...PROVEN, ...expected })
  })
})

describe('judgeGroup', () => {
  const group = { from: 3, to: 7, hash: hashAt(7), notBefore: BEFORE_ALL_TIMES }
  const rowsOf = (rows: readonly ChainedEntry[]) => all(rows.slice(2, 7))
  const judged = (rows: readonly StoredRow[], counts: (seq: number) => boolean = every) => {
    const { ready, held, findings, unchecked } = judgeGroup(group, rows, counts, nodeHasher)
    return {
      ready: ready.map(({ entry }) => entry.seq),
      held,
      unchecked: unchecked.length,
      findings: findings.map(({ code, seqFrom, seqTo }) => `${code} ${seqFrom}-${seqTo}`),
    }
  }

  it.each<[string, StoredRow[], object]>([
    ['that are unchanged', rowsOf(CHAIN), { ready: [3, 4, 5, 6, 7], held: 0, findings: [] }],
    [
      'that were rewritten to their end since',
      rowsOf(rewritten(5, 7)),
      { ready: [], held: 5, findings: ['broken_link 3-7'] },
    ],
    [
      'with one that was edited since',
      rowsOf(CHAIN.map((row) => (row.seq === 5 ? rehashed({ ...row, relation: 'x.y' }) : row))),
      { ready: [], held: 5, findings: ['broken_link 6-6'] },
    ],
    ['without the first one', rowsOf(CHAIN).slice(1), { ready: [], held: 4 }],
    [
      'with one that has another prev_hash',
      rowsOf(CHAIN).map((row) => (row.seq === 5 ? { ...row, prevHash: hashAt(1) } : row)),
      { ready: [3, 4, 6, 7], held: 1, findings: [] },
    ],
  ])('judges rows %s', (_name, rows, expected) => {
    expect(judged(rows)).toMatchObject(expected)
  })

  it.each([
    ['in a group', 5, [3, 4, 6, 7]],
    ['at the start of a group', 6, [7, 8, 9, 10]],
  ])('holds a row back that is before the row before it: %s', (_name, seq, expected) => {
    const early = entryAt(1).recordedAt - 1n
    const rows = chained(
      CHAIN.map(({ seq: at, recordedAt }) => entryAt(at, { recordedAt: at === seq ? early : recordedAt })),
    )
    const head = { seq: 12, hash: rows[11]?.entryHash ?? '' }
    const run = new RunJudge({ fromSeq: 1, head, groupRows: 5, counts: every, hasher: nodeHasher })
    for (const row of all(rows)) run.add(row)
    const { groups, findings, held } = run.finish()
    expect({ held, codes: findings.map(({ code, seqFrom }) => `${code} ${seqFrom}`) }).toEqual({
      held: 0,
      codes: [`malformed_row ${seq}`],
    })
    const group = groups.find(({ from, to }) => from <= seq && seq <= to)
    if (group === undefined) throw new Error('the row is in no group')
    const judged = judgeGroup(group, all(rows.slice(group.from - 1, group.to)), every, nodeHasher)
    expect(judged.held).toBe(1)
    expect(judged.ready.map(({ entry }) => entry.seq)).toEqual(
      expect.arrayContaining(expected.filter((one) => one >= group.from && one <= group.to)),
    )
    expect(judged.ready.map(({ entry }) => entry.seq)).not.toContain(seq)
  })

  it('returns only the rows that count', () => {
    expect(judged(rowsOf(CHAIN), (seq) => seq % 2 === 0)).toMatchObject({ ready: [4, 6], held: 0 })
  })
})
