import { expect, it } from 'vitest'
import type { FieldChange } from '../../src/chain/evidence/finding-evidence.js'
import type { Finding } from '../../src/chain/finding.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { evidentFinding } from '../../src/json/finding-evidence.js'
import { TwoCopies } from '../../src/verify/two-copies.js'
import { A, a, canonicalOf, type PlainRow, rehashed, rewritten } from '../support/attacks/chains.js'

const LAST = 8
const F = 'f'.repeat(64)
const HONEST = Array.from({ length: LAST }, (_, i) => a(i + 1))

function stored(row: PlainRow): StoredRow {
  return { seq: row.seq, canonical: canonicalOf(row), prevHash: row.prevHash, entryHash: row.entryHash }
}

/** What each copy has in place of an honest row: another row, several rows, or `undefined` for none. */
type Copy = Readonly<Record<number, readonly StoredRow[]>>

interface Damage {
  readonly postgres?: Copy
  readonly mirror?: Copy
  /** Rows after this one have no archive stamp. */
  readonly archived?: number
  readonly pins?: readonly { seq: number; hash: string }[]
}

/** Returns the findings of two copies of one chain. */
function compare({ postgres = {}, mirror = {}, archived = LAST, pins = [] }: Damage): Finding[] {
  const head = { seq: LAST, hash: a(LAST).entryHash }
  const snapshot = {
    known: true,
    head,
    last: { seq: head.seq, hashes: [head.hash] },
    archive: { through: 0, inOrderBelow: 0 },
    unstamped: archived < LAST ? [archived + 1, LAST] : [],
    checkIndexes: async () => undefined,
    rows: async function* () {},
    close: async () => {},
  }
  const copies = new TwoCopies({ domainId: A, fromSeq: 1, pins }, snapshot, nobleHasher)
  for (const row of HONEST) {
    const { seq } = row
    const [copy] = mirror[seq] ?? [stored(row)]
    const object = copy === undefined ? undefined : ({ kind: 'row', seq, row: copy, etag: '' } as const)
    copies.add({ seq, rows: postgres[seq] ?? [stored(row)], object })
  }
  return [...copies.finish().fold.findings]
}

const at = (row: PlainRow): Copy => ({ [row.seq]: [stored(row)] })
const suffix = (rows: readonly PlainRow[]): Copy => Object.assign({}, ...rows.map(at))
const broken = (seq: number, fields?: StoredRow['fields']): Copy => ({
  [seq]: [
    {
      seq,
      problem: 'reason: does not match canonical_bytes',
      problemCode: 'object_malformed',
      bytesHash: F,
      fields,
    },
  ],
})

const edited = { ...a(4), relation: 'x' }
const forged = rehashed(edited)

/** Returns the fields that differ, each with both values. */
const shown = ({ changes }: Finding) =>
  changes?.map(({ seq, field, postgres, mirror }) => [seq, field, postgres, mirror])

const HONEST_4 = a(4)
const REHASHED = [
  [4, 'relation', 'x', HONEST_4.relation],
  [4, 'entry_hash', forged.entryHash, HONEST_4.entryHash],
]
const EDITED = [[4, 'relation', 'x', HONEST_4.relation]]

it.each<[string, Damage, Record<string, { changes: unknown; original: unknown }>]>([
  [
    'a field edited in PostgreSQL',
    { postgres: at(edited) },
    {
      'entry_hash_mismatch 4-4': { changes: EDITED, original: 'mirror' },
      'copies_differ 4-4': { changes: EDITED, original: 'mirror' },
    },
  ],
  [
    'a field edited and hashed again in PostgreSQL',
    { postgres: at(forged) },
    {
      'copies_differ 4-4': { changes: REHASHED, original: 'mirror' },
      'broken_link 5-5': { changes: REHASHED, original: 'mirror' },
    },
  ],
  [
    'a field edited in the mirror',
    { mirror: at({ ...HONEST_4, reason: 2 }) },
    {
      'entry_hash_mismatch 4-4': {
        changes: [[4, 'reason', 'granted', 'out_of_scope']],
        original: 'postgres',
      },
      'copies_differ 4-4': { changes: [[4, 'reason', 'granted', 'out_of_scope']], original: 'postgres' },
    },
  ],
  [
    'a prev_hash edited in PostgreSQL',
    { postgres: at({ ...HONEST_4, prevHash: F }) },
    {
      'broken_link 4-4': { changes: [[4, 'prev_hash', F, HONEST_4.prevHash]], original: 'mirror' },
      'copies_differ 4-4': { changes: [[4, 'prev_hash', F, HONEST_4.prevHash]], original: 'mirror' },
    },
  ],
  [
    'the same forgery in both copies',
    { postgres: at(edited), mirror: at(edited) },
    { 'entry_hash_mismatch 4-4': { changes: undefined, original: undefined } },
  ],
  [
    'an object with an edited field',
    { mirror: broken(4, { relation: 'x', reason: 'granted' }) },
    {
      'object_malformed 4-4': {
        changes: expect.arrayContaining([[4, 'relation', HONEST_4.relation, 'x']]),
        original: 'postgres',
      },
    },
  ],
  [
    'an object that cannot be read',
    { mirror: broken(4) },
    {
      'object_malformed 4-4': {
        changes: expect.arrayContaining([[4, 'relation', HONEST_4.relation, undefined]]),
        original: 'postgres',
      },
    },
  ],
  [
    'a row that only the mirror has',
    { postgres: { 4: [] } },
    {
      'row_missing 4-4': {
        changes: expect.arrayContaining([[4, 'relation', undefined, HONEST_4.relation]]),
        original: 'mirror',
      },
    },
  ],
  [
    'an object that is lost',
    { mirror: { 4: [] } },
    {
      'object_missing 4-4': {
        changes: expect.arrayContaining([[4, 'relation', HONEST_4.relation, undefined]]),
        original: 'postgres',
      },
    },
  ],
  [
    'a second row with a seq',
    { postgres: { 4: [stored(HONEST_4), stored(forged)] } },
    { 'duplicate_seq 4-4': { changes: REHASHED, original: 'mirror' } },
  ],
  [
    'a row lost in both copies',
    { postgres: { 4: [] }, mirror: { 4: [] } },
    { 'seq_gap 4-4': { changes: undefined, original: undefined } },
  ],
  [
    'rows that both chain, one copy rewritten to its end',
    { mirror: suffix(rewritten(4, { relation: 'x' })) },
    {
      'copies_differ 4-8': {
        changes: expect.arrayContaining([[4, 'relation', HONEST_4.relation, 'x']]),
        original: undefined,
      },
    },
  ],
  [
    'a pin that PostgreSQL contradicts',
    { postgres: suffix(rewritten(4, { relation: 'x' })), pins: [{ seq: 8, hash: a(8).entryHash }] },
    {
      'copies_differ 4-8': { changes: expect.anything(), original: 'mirror' },
      'unexpected_head 8-8': {
        changes: expect.arrayContaining([[8, 'entry_hash', expect.anything(), a(8).entryHash]]),
        original: 'mirror',
      },
    },
  ],
])('shows the changes of %s', (_name, damage, expected) => {
  const found = compare(damage).map((finding) => [
    `${finding.code} ${finding.seqFrom}-${finding.seqTo}`,
    { changes: shown(finding), original: finding.original },
  ])
  expect(Object.fromEntries(found)).toMatchObject(expected)
  expect(Object.keys(Object.fromEntries(found)).sort()).toEqual(Object.keys(expected).sort())
})

it('counts no row as changed that is not archived yet', () => {
  expect(compare({ archived: 5, mirror: { 6: [], 7: [], 8: [] } })).toEqual([])
})

it('shows the first rows of a long finding and counts all that differ', () => {
  const [finding] = compare({ mirror: suffix(rewritten(2, { relation: 'x' })) }) as [Finding]
  expect([finding.seqFrom, finding.seqTo, finding.rowsChanged]).toEqual([2, 8, 7])
  expect([...new Set(finding.changes?.map(({ seq }: FieldChange) => seq))]).toEqual([2, 3, 4, 5, 6])
  expect(evidentFinding(finding)).toMatchObject({ rows_changed: 7 })
})

it('shows two rows before and after a finding, and how each row recomputes', () => {
  const [mismatch] = compare({ postgres: at(edited) }).filter(({ code }) => code === 'entry_hash_mismatch')
  expect(mismatch?.context?.map(({ seq, copy, check }) => [seq, copy, check])).toEqual([
    [2, 'postgres', 'ok'],
    [3, 'postgres', 'ok'],
    [4, 'mirror', 'ok'],
    [5, 'postgres', 'ok'],
    [6, 'postgres', 'ok'],
  ])
})

it('shows the rows around rows that both copies have lost, the row after them unlinked', () => {
  const [gap] = compare({ postgres: { 4: [] }, mirror: { 4: [] } })
  expect(gap?.context?.map(({ seq, check }) => [seq, check])).toEqual([
    [2, 'ok'],
    [3, 'ok'],
    [5, 'unlinked'],
    [6, 'ok'],
  ])
})

it('names the row of a change only where the finding is about another row, or about several', () => {
  const findings = compare({ postgres: at(forged) }).map(evidentFinding)
  expect(findings.map(({ code, changes }) => [code, changes?.[0]])).toEqual([
    ['copies_differ', { field: 'relation', postgres: 'x', mirror: HONEST_4.relation }],
    ['broken_link', { seq: 4, field: 'relation', postgres: 'x', mirror: HONEST_4.relation }],
  ])
})
