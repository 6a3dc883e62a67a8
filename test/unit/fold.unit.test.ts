import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry, ChainHead, Entry } from '../../src/chain/entry.js'
import { FINDING_CODES, type Finding } from '../../src/chain/finding.js'
import { ChainFold, type FoldOptions, type FoldResult, type StoredRow } from '../../src/chain/fold.js'
import { type Hasher, isHash, nobleHasher, ZERO_HASH } from '../../src/chain/hash.js'
import { nodeHasher } from '../../src/node-hasher.js'
import {
  chained,
  chainOf,
  DOMAIN,
  entryAt,
  entryHashOf,
  OTHER_DOMAIN,
  rehashed,
  stored,
} from '../support/chain-builder.js'
import { entryArbitrary, hashArbitrary } from '../support/entry-arbitrary.js'
import { plainEncode } from '../support/plain-canonical.js'
import { vectorEntry, vectors } from '../support/vectors.js'

const LENGTH = 8
const honest = chainOf(LENGTH)
const foreign = chainOf(LENGTH, { domainId: OTHER_DOMAIN })

const F1 = 'f1'.repeat(32)
const F2 = 'f2'.repeat(32)

type Options = Partial<Omit<FoldOptions, 'hasher'>>
type Expected = Omit<Finding, 'detail'>

function foldWith(hasher: Hasher, rows: Iterable<StoredRow>, options: Options): FoldResult {
  const fold = new ChainFold({ fromSeq: 1, ...options, hasher })
  for (const row of rows) fold.add(row)
  return fold.finish()
}

/** Folds with both hashers, which must agree to the letter. */
function folded(rows: Iterable<StoredRow>, options: Options = {}): FoldResult {
  const all = [...rows]
  const result = foldWith(nobleHasher, all, options)
  expect(foldWith(nodeHasher, all, options)).toEqual(result)
  return result
}

const places = (findings: readonly Finding[]): Expected[] =>
  findings.map(({ detail, ...place }) => {
    expect(detail).not.toBe('')
    return place
  })

const inOrder = (rows: readonly StoredRow[]) => [...rows].sort((a, b) => a.seq - b.seq)
const row = (seq: number): ChainedEntry => {
  const found = honest[seq - 1]
  if (found === undefined) throw new Error(`no row ${seq}`)
  return found
}
const hashOf = (seq: number): string => (seq === 0 ? ZERO_HASH : row(seq).entryHash)
/** What the row hashes to with its own prev_hash. */
const computed = (entry: ChainedEntry): string => rehashed(entry).entryHash

/** The honest chain with some rows put in the place of those with the same seq. */
const withRows = (...changed: readonly ChainedEntry[]): StoredRow[] =>
  honest.map((r) => stored(changed.find((c) => c.seq === r.seq) ?? r))
const without = (...seqs: readonly number[]): StoredRow[] =>
  honest.filter((r) => !seqs.includes(r.seq)).map(stored)

const mismatch = (entry: ChainedEntry): Expected => ({
  code: 'entry_hash_mismatch',
  seqFrom: entry.seq,
  seqTo: entry.seq,
  expected: computed(entry),
  observed: entry.entryHash,
})
const brokenLink = (seqFrom: number, expected: string, observed: string, seqTo = seqFrom): Expected => ({
  code: 'broken_link',
  seqFrom,
  seqTo,
  expected,
  observed,
})
const gap = (seqFrom: number, seqTo: number, expected?: string): Expected => ({
  code: 'seq_gap',
  seqFrom,
  seqTo,
  expected,
})
const malformed = (seq: number, observed?: string): Expected => ({
  code: 'malformed_row',
  seqFrom: seq,
  seqTo: seq,
  observed,
})
const duplicate = (seq: number, expected?: string, observed?: string): Expected => ({
  code: 'duplicate_seq',
  seqFrom: seq,
  seqTo: seq,
  expected,
  observed,
})
const unexpectedHead = (pin: ChainHead, observed?: string): Expected => ({
  code: 'unexpected_head',
  seqFrom: pin.seq,
  seqTo: pin.seq,
  expected: pin.hash,
  observed,
})

interface Attack {
  readonly name: string
  readonly rows: readonly StoredRow[]
  readonly options?: Options
  readonly findings: readonly Expected[]
}

function expectAttack({ rows, options, findings }: Attack): void {
  expect(places(folded(rows, options).findings)).toEqual(findings)
}

describe('an intact chain', () => {
  it('has no finding', () => {
    expect(folded(honest.map(stored), { domainId: DOMAIN })).toEqual({
      rows: LENGTH,
      last: { seq: LENGTH, hash: hashOf(LENGTH) },
      findings: [],
    })
  })

  it.each(['domain', 'platform'] as const)('of the vectors (%s) has none either', (name) => {
    const rows = vectors.chains[name].map(vectorEntry)
    expect(folded(rows.map(stored), { domainId: rows[0]?.domainId }).findings).toEqual([])
  })

  it('of any entries has none, in any segment', () => {
    const entries = fc.array(entryArbitrary, { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (any, a, b) => {
        const rows = chained(any.map((entry, i) => ({ ...entry, domainId: DOMAIN, seq: i + 1 })))
        const from = 1 + (a % rows.length)
        const to = from + (b % (rows.length - from + 1))
        const pins = rows.slice(from - 1, to).map(({ seq, entryHash }) => ({ seq, hash: entryHash }))
        const read = rows.slice(Math.max(from - 2, 0), to).map(stored)
        const result = folded(read, { fromSeq: from, toSeq: to, domainId: DOMAIN, pins })
        expect(result.findings).toEqual([])
        expect(result.rows).toBe(to - from + 1)
        expect(result.last).toEqual(pins.at(-1))
      }),
    )
  })

  it('may hand over its rows in a buffer that the next row overwrites', () => {
    const scratch = Buffer.alloc(4096)
    const fold = new ChainFold({ fromSeq: 1, hasher: nodeHasher })
    for (const entry of honest) {
      const canonical = encodeCanonical(entry)
      scratch.set(canonical)
      fold.add({ ...stored(entry), canonical: scratch.subarray(0, canonical.length) })
    }
    expect(fold.finish().findings).toEqual([])
  })

  it('is nothing at all when there are no rows', () => {
    expect(folded([])).toEqual({ rows: 0, findings: [] })
    expect(folded([], { fromSeq: 5 })).toEqual({ rows: 0, findings: [] })
  })
})

describe('an edited field', () => {
  const EDITS: readonly (readonly [string, Partial<Entry>])[] = [
    ['subject_pseudonym', { subjectPseudonym: 'b'.repeat(64) }],
    ['relation', { relation: 'project.delete' }],
    ['object', { object: 'project:p5' }],
    ['reason', { reason: 'out_of_scope' }],
    ['relation_path, one item', { relationPath: ['domain:acme#admin', 'group:dev#member'] }],
    ['relation_path, its order', { relationPath: ['group:ops#member', 'domain:acme#admin'] }],
    ['relation_path, emptied', { relationPath: [] }],
    ['relation_path, one more', { relationPath: ['domain:acme#admin', 'group:ops#member', 'x'] }],
    ['caveat_context', { caveatContext: ['from_cidr.cidr'] }],
    ['correlation_id', { correlationId: '' }],
    ['zedtoken', { zedtoken: 'GhUKEzE2ODY3' }],
    ['recorded_at, a microsecond later', { recordedAt: row(4).recordedAt + 1n }],
    ['recorded_at, a microsecond earlier', { recordedAt: row(4).recordedAt - 1n }],
    ['domain_id', { domainId: OTHER_DOMAIN }],
  ]

  it.each(EDITS)('%s: the row alone', (_name, patch) => {
    const edited = { ...row(4), ...patch }
    expectAttack({ name: '', rows: withRows(edited), findings: [mismatch(edited)] })
  })

  it.each(EDITS)('%s, in the genesis row', (_name, patch) => {
    const edited = { ...row(1), recordedAt: 0n, ...patch }
    expectAttack({ name: '', rows: withRows(edited), findings: [mismatch(edited)] })
  })

  it.each(EDITS)('%s, entry_hash recomputed: the link after it', (_name, patch) => {
    const edited = rehashed({ ...row(4), ...patch })
    const findings = [brokenLink(5, edited.entryHash, hashOf(4))]
    expectAttack({ name: '', rows: withRows(edited), findings })
  })

  it.each(EDITS)('%s, in the last row, entry_hash recomputed: none, its head tells', (_name, patch) => {
    const edited = rehashed({ ...row(LENGTH), recordedAt: 0n, ...patch })
    expectAttack({ name: '', rows: withRows(edited), findings: [] })
  })
})

/** What was known of row 4 and is stored with bytes that the encoder would not write, all hashes made to fit. */
function unwritable(patch: { reason?: number; caveats?: string[]; object?: string }): StoredRow {
  const canonical = plainEncode({
    magic: 'PXA1',
    domain: Buffer.from(DOMAIN.replaceAll('-', ''), 'hex'),
    seq: 4n,
    pseudonym: Buffer.from(row(4).subjectPseudonym, 'hex'),
    relation: row(4).relation,
    object: row(4).object,
    reason: 1,
    path: row(4).relationPath,
    caveats: row(4).caveatContext,
    correlation: row(4).correlationId,
    zedtoken: row(4).zedtoken,
    recordedAt: row(4).recordedAt,
    ...patch,
  })
  return { seq: 4, canonical, prevHash: hashOf(3), entryHash: entryHashOf(hashOf(3), canonical) }
}
const withStored = (...changed: readonly StoredRow[]): StoredRow[] =>
  honest.map((r) => changed.find((c) => c.seq === r.seq) ?? stored(r))

const prevEdited = { ...row(4), prevHash: F1 }
const prevRehashed = rehashed(prevEdited)
const entryEdited = { ...row(4), entryHash: F1 }
const bothEdited = { ...row(4), prevHash: F1, entryHash: F2 }
const genesisPrev = { ...row(1), prevHash: F1 }
const contentAndPrev = { ...row(4), relation: 'x', prevHash: F1 }
const lastEntryEdited = { ...row(LENGTH), entryHash: F1 }

const HASHES: readonly Attack[] = [
  {
    name: 'prev_hash edited alone: the link alone',
    rows: withRows(prevEdited),
    findings: [brokenLink(4, hashOf(3), F1)],
  },
  {
    name: 'prev_hash of the genesis row edited alone',
    rows: withRows(genesisPrev),
    findings: [brokenLink(1, ZERO_HASH, F1)],
  },
  {
    name: 'prev_hash edited, entry_hash recomputed',
    rows: withRows(prevRehashed),
    findings: [brokenLink(4, hashOf(3), F1, 5)],
  },
  {
    name: 'entry_hash edited alone',
    rows: withRows(entryEdited),
    findings: [mismatch(entryEdited), brokenLink(5, F1, hashOf(4))],
  },
  {
    name: 'entry_hash of the last row edited alone',
    rows: withRows(lastEntryEdited),
    findings: [mismatch(lastEntryEdited)],
  },
  {
    name: 'prev_hash and entry_hash edited',
    rows: withRows(bothEdited),
    findings: [mismatch(bothEdited), brokenLink(4, hashOf(3), F1, 5)],
  },
  {
    name: 'content and prev_hash edited',
    rows: withRows(contentAndPrev),
    findings: [mismatch(contentAndPrev), brokenLink(4, hashOf(3), F1)],
  },
  {
    name: 'prev_hash edited in three rows on end: one range',
    rows: withRows(...[3, 4, 5].map((seq) => ({ ...row(seq), prevHash: F1 }))),
    findings: [brokenLink(3, hashOf(2), F1, 5)],
  },
  {
    name: 'content edited in rows 2, 3 and 6: two ranges',
    rows: withRows(...[2, 3, 6].map((seq) => ({ ...row(seq), relation: 'x' }))),
    findings: [
      { ...mismatch({ ...row(2), relation: 'x' }), seqTo: 3 },
      mismatch({ ...row(6), relation: 'x' }),
    ],
  },
]

const DELETED: readonly Attack[] = [
  { name: 'at the start', rows: without(1), findings: [gap(1, 1, hashOf(1))] },
  { name: 'the first three', rows: without(1, 2, 3), findings: [gap(1, 3, hashOf(3))] },
  { name: 'in the middle', rows: without(4), findings: [gap(4, 4, hashOf(4))] },
  { name: 'three in the middle', rows: without(4, 5, 6), findings: [gap(4, 6, hashOf(6))] },
  {
    name: 'several gaps',
    rows: without(1, 3, 5, 6),
    findings: [gap(1, 1, hashOf(1)), gap(3, 3, hashOf(3)), gap(5, 6, hashOf(6))],
  },
  { name: 'at the end: none, the head tells', rows: without(LENGTH), findings: [] },
  {
    name: 'at the end of a segment that has more behind it',
    rows: without(5, 6, 7, 8),
    options: { toSeq: 6 },
    findings: [gap(5, 6)],
  },
  {
    name: 'a whole segment',
    rows: [stored(row(3))],
    options: { fromSeq: 4, toSeq: 6 },
    findings: [gap(4, 6)],
  },
  {
    name: 'at the start of a segment',
    rows: [stored(row(3)), stored(row(6))],
    options: { fromSeq: 4, toSeq: 6 },
    findings: [gap(4, 5, hashOf(5))],
  },
  {
    name: 'all but the last',
    rows: [stored(row(LENGTH))],
    findings: [gap(1, LENGTH - 1, hashOf(LENGTH - 1))],
  },
  {
    name: 'and the row behind the gap edited: its link is not judged',
    rows: without(4).map((r) => (r.seq === 5 ? stored(rehashed({ ...row(5), prevHash: F1 })) : r)),
    findings: [gap(4, 4, F1), brokenLink(6, computed({ ...row(5), prevHash: F1 }), hashOf(5))],
  },
]

/** Rows `a` and `b` with their seq values exchanged, all else left with its row. */
function seqsSwapped(a: number, b: number): ChainedEntry[] {
  return [
    { ...row(b), seq: a },
    { ...row(a), seq: b },
  ]
}

/** Rows `a` and `b` with everything exchanged but seq and the hashes. */
function contentsSwapped(a: number, b: number): ChainedEntry[] {
  const { prevHash: pa, entryHash: ha } = row(a)
  const { prevHash: pb, entryHash: hb } = row(b)
  return [
    { ...row(b), seq: a, prevHash: pa, entryHash: ha },
    { ...row(a), seq: b, prevHash: pb, entryHash: hb },
  ]
}

const SWAPPED: readonly Attack[] = [
  {
    name: 'seq values of neighbours',
    rows: withRows(...seqsSwapped(3, 4)),
    findings: [{ ...mismatch({ ...row(4), seq: 3 }), seqTo: 4 }, brokenLink(3, hashOf(2), hashOf(3), 5)],
  },
  {
    name: 'seq values of rows apart',
    rows: withRows(...seqsSwapped(3, 6)),
    findings: [
      mismatch({ ...row(6), seq: 3 }),
      brokenLink(3, hashOf(2), hashOf(5), 4),
      mismatch({ ...row(3), seq: 6 }),
      brokenLink(6, hashOf(5), hashOf(2), 7),
    ],
  },
  {
    name: 'contents of rows apart, hashes left in place',
    rows: withRows(...contentsSwapped(3, 6)),
    findings: contentsSwapped(3, 6).map(mismatch),
  },
  {
    name: 'contents of neighbours, hashes left in place',
    rows: withRows(...contentsSwapped(3, 4)),
    findings: contentsSwapped(3, 4)
      .map(mismatch)
      .slice(0, 1)
      .map((f) => ({ ...f, seqTo: 4 })),
  },
]

const copied = { ...(foreign[3] ?? row(4)), domainId: DOMAIN }
const foreignRow = stored(foreign[3] ?? row(4))
const FOREIGN: readonly Attack[] = [
  {
    name: 'put in the place of ours, its domain_id rewritten by the table',
    rows: withRows(copied),
    findings: [mismatch(copied), brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'put in the place of ours by a source that does not look',
    rows: withStored(foreignRow),
    findings: [brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'the same, and the fold is told whose chain it is',
    rows: withStored(foreignRow),
    options: { domainId: DOMAIN },
    findings: [malformed(4, copied.entryHash), brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'a whole chain passed off as ours',
    rows: foreign.map(stored),
    options: { domainId: DOMAIN },
    findings: [{ ...malformed(1, foreign[0]?.entryHash), seqTo: LENGTH }],
  },
  {
    name: 'our own row passed off as another seq',
    rows: withStored({ ...stored(row(2)), seq: 4 }),
    findings: [malformed(4, hashOf(2)), brokenLink(4, hashOf(3), hashOf(1), 5)],
  },
]

const bare = (seq: number, patch: Partial<StoredRow>): StoredRow => ({ ...stored(row(seq)), ...patch })
const badReason = unwritable({ reason: 9 })
const MALFORMED: readonly Attack[] = [
  {
    name: 'no canonical bytes, but a problem',
    rows: withStored(bare(4, { canonical: undefined, problem: 'reason: above 255' })),
    findings: [malformed(4, hashOf(4))],
  },
  {
    name: 'a problem although there are bytes',
    rows: withStored(bare(4, { problem: 'a column is NULL' })),
    findings: [malformed(4, hashOf(4))],
  },
  {
    name: 'neither bytes nor problem',
    rows: withStored(bare(4, { canonical: undefined })),
    findings: [malformed(4, hashOf(4))],
  },
  {
    name: 'a problem, and prev_hash edited',
    rows: withStored(bare(4, { canonical: undefined, problem: 'p', prevHash: F1 })),
    findings: [malformed(4, hashOf(4)), brokenLink(4, hashOf(3), F1)],
  },
  {
    name: 'a problem, and entry_hash edited',
    rows: withStored(bare(4, { canonical: undefined, problem: 'p', entryHash: F1 })),
    findings: [malformed(4, F1), brokenLink(5, F1, hashOf(4))],
  },
  {
    name: 'prev_hash missing',
    rows: withStored(bare(4, { prevHash: undefined })),
    findings: [malformed(4, hashOf(4))],
  },
  {
    name: 'prev_hash no hash',
    rows: withStored(bare(4, { prevHash: 'ab' })),
    findings: [malformed(4, hashOf(4))],
  },
  {
    name: 'entry_hash missing: the next link cannot be judged',
    rows: withStored(bare(4, { entryHash: undefined })),
    findings: [malformed(4)],
  },
  {
    name: 'entry_hash of 31 bytes',
    rows: withStored(bare(4, { entryHash: 'ab'.repeat(31) })),
    findings: [malformed(4)],
  },
  {
    name: 'entry_hash in upper case',
    rows: withStored(bare(4, { entryHash: hashOf(4).toUpperCase() })),
    findings: [malformed(4)],
  },
  {
    name: 'both hashes missing, in every row',
    rows: honest.map((r) => bare(r.seq, { prevHash: undefined, entryHash: undefined })),
    findings: [{ ...malformed(1), seqTo: LENGTH }],
  },
  {
    name: 'a reason of 9 that hashes as it should',
    rows: withStored(badReason),
    findings: [malformed(4, badReason.entryHash), brokenLink(5, badReason.entryHash ?? '', hashOf(4))],
  },
  {
    name: 'a reason of 9 whose hash was left',
    rows: withStored({ ...badReason, entryHash: hashOf(4) }),
    findings: [{ ...mismatch(row(4)), expected: badReason.entryHash }],
  },
  {
    name: 'a caveat with a value, and prev_hash edited: two edits, two findings',
    rows: withStored({ ...unwritable({ caveats: ['cidr=10.0.0.0/8'] }), prevHash: F1 }),
    findings: [
      malformed(4, unwritable({ caveats: ['cidr=10.0.0.0/8'] }).entryHash),
      brokenLink(4, hashOf(3), F1, 5),
    ],
  },
  {
    name: 'empty bytes that hash as they should',
    rows: [
      {
        seq: 1,
        canonical: new Uint8Array(),
        prevHash: ZERO_HASH,
        entryHash: entryHashOf(ZERO_HASH, new Uint8Array()),
      },
    ],
    findings: [malformed(1, entryHashOf(ZERO_HASH, new Uint8Array()))],
  },
]

const outOfRange = (seq: number): StoredRow => ({ ...stored(row(1)), seq })
const SEQS: readonly Attack[] = [
  ...[0, -1, -7].map((seq) => ({
    name: `${seq}`,
    rows: [outOfRange(seq), ...honest.map(stored)],
    findings: [malformed(seq, hashOf(1))],
  })),
  ...[2 ** 53, 2 ** 63, Number.POSITIVE_INFINITY].map((seq) => ({
    name: `${seq}, reported as 2^53`,
    rows: [...honest.map(stored), outOfRange(seq)],
    findings: [malformed(2 ** 53, hashOf(1))],
  })),
  {
    name: 'a fraction',
    rows: [...honest.map(stored), outOfRange(LENGTH + 0.5)],
    findings: [malformed(LENGTH, hashOf(1))],
  },
  {
    name: 'NaN',
    rows: [outOfRange(Number.NaN), ...honest.map(stored)],
    findings: [malformed(0, hashOf(1))],
  },
  {
    name: 'the last that there is, after a gap',
    rows: [...honest.map(stored), stored(rehashed({ ...entryAt(2 ** 53 - 1), prevHash: F1, entryHash: '' }))],
    findings: [gap(LENGTH + 1, 2 ** 53 - 2, F1)],
  },
  {
    name: 'out of order, as only a broken index would give them',
    rows: [1, 2, 5, 3, 4, 6, 7, 8].map((seq) => stored(row(seq))),
    findings: [{ ...malformed(3, hashOf(3)), seqTo: 4 }, gap(3, 4, hashOf(4))],
  },
]

describe.each([
  ['edited hashes', HASHES],
  ['deleted rows', DELETED],
  ['swapped rows', SWAPPED],
  ['a row of another Domain', FOREIGN],
  ['malformed rows', MALFORMED],
  ['seq outside 1 to 2^53-1', SEQS],
])('%s', (_name, attacks) => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', (_case, attack) => {
    expectAttack(attack)
  })
})

describe('duplicated seq', () => {
  const forged = rehashed({ ...row(4), relation: 'forged' })
  const careless = { ...forged, entryHash: F1 }
  const elsewhere = rehashed({ ...forged, prevHash: F2 })
  const lastForged = rehashed({ ...row(LENGTH), relation: 'forged' })
  const CASES: readonly (readonly [string, ChainedEntry, Expected[]])[] = [
    ['a forgery that hashes', forged, []],
    ['an exact copy', row(4), []],
    ['a forgery that does not hash', careless, [mismatch(careless)]],
    ['a forgery with another prev_hash', elsewhere, [brokenLink(4, hashOf(3), F2)]],
    ['a second genesis row', rehashed({ ...row(1), relation: 'forged' }), []],
    ['a second last row', lastForged, []],
  ]
  const byCode = (a: Expected, b: Expected) => FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code)

  it.each(CASES)('%s, stored last', (_name, extra, more) => {
    const rows = inOrder([...honest, extra].map(stored))
    const findings = [...more, duplicate(extra.seq, hashOf(extra.seq), extra.entryHash)].sort(byCode)
    expectAttack({ name: '', rows, findings })
  })

  it.each(CASES)('%s, stored first', (_name, extra, more) => {
    const rows = inOrder([extra, ...honest].map(stored))
    const findings = [...more, duplicate(extra.seq, extra.entryHash, hashOf(extra.seq))].sort(byCode)
    expectAttack({ name: '', rows, findings })
  })

  it('is one finding however many there are, and judges the link after up to 16 of them', () => {
    const forgeries = (count: number) =>
      Array.from({ length: count }, (_, i) => rehashed({ ...row(4), relation: `forged${i}` }))
    const nextEdited = rehashed({ ...row(5), prevHash: F1 })
    const rest = [...honest.filter((r) => r.seq !== 5), nextEdited]
    const fewer = inOrder([...rest, ...forgeries(15)].map(stored))
    const codes = (rows: readonly StoredRow[]) =>
      folded(rows).findings.map((f) => [f.code, f.seqFrom, f.seqTo])
    expect(codes(fewer)).toEqual([
      ['duplicate_seq', 4, 4],
      ['broken_link', 5, 6],
    ])
    const more = inOrder([...rest, ...forgeries(16)].map(stored))
    expect(codes(more)).toEqual([
      ['duplicate_seq', 4, 4],
      ['broken_link', 6, 6],
    ])
  })

  it('is found in the same places in whatever order the duplicates come', () => {
    const extra = fc.record({
      seq: fc.integer({ min: 2, max: 5 }),
      relation: fc.constantFrom('a', 'b'),
      prevHash: fc.option(fc.constantFrom(F1, hashOf(1), hashOf(2), hashOf(3)), { nil: undefined }),
      entryHash: fc.option(fc.constantFrom(F2, hashOf(3)), { nil: undefined }),
    })
    const forge = (e: typeof extra extends fc.Arbitrary<infer T> ? T : never): StoredRow => {
      const made = rehashed({
        ...row(e.seq),
        relation: e.relation,
        prevHash: e.prevHash ?? hashOf(e.seq - 1),
      })
      return stored({ ...made, entryHash: e.entryHash ?? made.entryHash })
    }
    fc.assert(
      fc.property(
        fc.array(extra, { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (extras, random) => {
          const rows = [...honest.map(stored), ...extras.map(forge)]
          const shuffled = rows.map((r) => [random.next().value, r] as const).sort((a, b) => a[0] - b[0])
          const at = (r: readonly StoredRow[]) =>
            folded(inOrder(r)).findings.map((f) => [f.code, f.seqFrom, f.seqTo])
          expect(at(shuffled.map(([, r]) => r))).toEqual(at(rows))
        },
      ),
    )
  })
})

describe('an unknown generation', () => {
  const unknown = (seq: number, patch: Partial<StoredRow> = {}): StoredRow => ({
    seq,
    unknownGeneration: 2,
    prevHash: row(seq).prevHash,
    entryHash: row(seq).entryHash,
    ...patch,
  })

  it('could not be checked, which is no finding; the first is named', () => {
    const result = folded(withStored(unknown(4), unknown(6, { unknownGeneration: 3 })))
    expect(result.findings).toEqual([])
    expect(result.unchecked).toEqual({ seq: 4, generation: 2 })
    expect(result.rows).toBe(LENGTH)
  })

  it('still must link, for the hashes are those of every generation', () => {
    const broken = brokenLink(4, hashOf(3), F1)
    expectAttack({ name: '', rows: withStored(unknown(4, { prevHash: F1 })), findings: [broken] })
    const next = brokenLink(5, F2, hashOf(4))
    expectAttack({ name: '', rows: withStored(unknown(4, { entryHash: F2 })), findings: [next] })
  })

  it('without hashes is not malformed either', () => {
    const rows = withStored(unknown(4, { prevHash: undefined, entryHash: undefined }))
    expectAttack({ name: '', rows, findings: [] })
  })

  it('does not hide damage elsewhere', () => {
    const edited = { ...row(6), relation: 'x' }
    const rows = withStored(unknown(4), stored(edited))
    expectAttack({ name: '', rows, findings: [mismatch(edited)] })
  })
})

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
    { name: 'a rewritten suffix without one: nothing shows', rows: rewrittenRows, findings: [] },
    {
      name: 'a rewritten suffix with one',
      rows: rewrittenRows,
      options: { pins: [pinOf(LENGTH)] },
      findings: [unexpectedHead(pinOf(LENGTH), rewrittenHash(LENGTH))],
    },
    {
      name: 'of rows before the rewritten ones',
      rows: rewrittenRows,
      options: { pins: [pinOf(3)] },
      findings: [],
    },
    {
      name: 'of neighbours, in any order: one range',
      rows: rewrittenRows,
      options: { pins: [pinOf(6), pinOf(8), pinOf(5)] },
      findings: [
        { ...unexpectedHead(pinOf(5), rewrittenHash(5)), seqTo: 6 },
        unexpectedHead(pinOf(8), rewrittenHash(8)),
      ],
    },
    {
      name: 'met',
      rows: honest.map(stored),
      options: { pins: [pinOf(1), pinOf(5), pinOf(8)] },
      findings: [],
    },
    {
      name: 'met twice',
      rows: honest.map(stored),
      options: { pins: [pinOf(5), pinOf(5)] },
      findings: [],
    },
    {
      name: 'unmet twice',
      rows: honest.map(stored),
      options: { pins: [elsewhere, elsewhere] },
      findings: [unexpectedHead(elsewhere, hashOf(5))],
    },
    {
      name: 'two that contradict each other',
      rows: honest.map(stored),
      options: { pins: [pinOf(5), elsewhere] },
      findings: [unexpectedHead(elsewhere, hashOf(5))],
    },
    {
      name: 'beyond the end: the tail was cut and the head rewound',
      rows: honest.map(stored),
      options: { pins: [beyond] },
      findings: [unexpectedHead(beyond)],
    },
    {
      name: 'of a deleted row',
      rows: without(5),
      options: { pins: [pinOf(5)] },
      findings: [gap(5, 5, hashOf(5)), unexpectedHead(pinOf(5))],
    },
    {
      name: 'of a duplicated row: one of the two answers it',
      rows: inOrder([stored(rehashed({ ...row(5), relation: 'forged' })), ...honest.map(stored)]),
      options: { pins: [pinOf(5)] },
      findings: [duplicate(5, computed({ ...row(5), relation: 'forged' }), hashOf(5))],
    },
    {
      name: 'of a row without an entry_hash',
      rows: withStored(bare(5, { entryHash: undefined })),
      options: { pins: [pinOf(5)] },
      findings: [malformed(5), unexpectedHead(pinOf(5))],
    },
    {
      name: 'of the row before the segment, met',
      rows: honest.slice(3).map(stored),
      options: { fromSeq: 5, pins: [pinOf(4)] },
      findings: [],
    },
    {
      name: 'of the row before the segment, unmet',
      rows: rewrittenRows.slice(3),
      options: { fromSeq: 5, pins: [pinOf(4)] },
      findings: [unexpectedHead(pinOf(4), rewrittenHash(4))],
    },
    {
      name: 'of a chain that has no rows left',
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
    { name: 'without: its first link is not judged', rows: from(5), options: { fromSeq: 5 }, findings: [] },
    {
      name: 'predecessor rehashed',
      rows: [stored(forged), ...from(5)],
      options: { fromSeq: 5 },
      findings: [brokenLink(5, forged.entryHash, hashOf(4))],
    },
    {
      name: 'predecessor edited, which is not this segment’s business',
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
      name: 'a source that hands over more before it',
      rows: from(1),
      options: { fromSeq: 5 },
      findings: [],
    },
    {
      name: 'a source that hands over earlier rows but not the predecessor',
      rows: [stored(row(2)), ...from(5)],
      options: { fromSeq: 5 },
      findings: [],
    },
  ]
  it.each(CASES.map((attack) => [attack.name, attack] as const))('%s', (_name, attack) => {
    expectAttack(attack)
    expect(folded(attack.rows, attack.options).rows).toBe(LENGTH - 4)
  })

  it('beginning beyond the last row has no rows and no last', () => {
    expect(folded(from(8), { fromSeq: 9 })).toEqual({ rows: 0, findings: [] })
  })
})

describe('the last row of the segment', () => {
  it.each<readonly [string, readonly StoredRow[], ChainHead | undefined]>([
    ['as stored, whatever it hashes to', withRows(lastEntryEdited), { seq: LENGTH, hash: F1 }],
    ['behind a gap', without(7), { seq: LENGTH, hash: hashOf(LENGTH) }],
    ['without an entry_hash', withStored(bare(LENGTH, { entryHash: undefined })), undefined],
    ['of rows with impossible seqs alone', [outOfRange(0)], undefined],
    [
      'before one with an impossible seq',
      [...honest.map(stored), outOfRange(2 ** 53)],
      { seq: 8, hash: hashOf(8) },
    ],
  ])('%s', (_name, rows, last) => {
    expect(folded(rows).last).toEqual(last)
  })
})

describe('any damage', () => {
  const fields = Object.keys(entryAt(1)).filter((key) => key !== 'seq') as (keyof Entry)[]

  it('of one field of one row is found there or at the next row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LENGTH }),
        entryArbitrary,
        fc.constantFrom(...fields),
        (seq, other, field) => {
          const edited = { ...row(seq), [field]: other[field] }
          fc.pre(String(edited[field]) !== String(row(seq)[field]))
          expect(places(folded(withRows(edited)).findings)).toEqual([mismatch(edited)])
        },
      ),
    )
  })

  it('of one bit of the canonical bytes is found', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LENGTH }), fc.nat(), fc.nat(7), (seq, at, bit) => {
        const canonical = encodeCanonical(row(seq))
        const place = at % canonical.length
        canonical[place] = (canonical[place] ?? 0) ^ (1 << bit)
        const { findings } = folded(withStored(bare(seq, { canonical })))
        expect(findings.map((f) => [f.code, f.seqFrom, f.seqTo])).toEqual([['entry_hash_mismatch', seq, seq]])
      }),
    )
  })

  it('of a hash is found', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LENGTH }),
        fc.constantFrom('prevHash' as const, 'entryHash' as const),
        hashArbitrary,
        (seq, field, hash) => {
          const { findings } = folded(withRows({ ...row(seq), [field]: hash }))
          expect(findings.length).toBeGreaterThan(0)
          expect(findings.every((f) => f.seqFrom >= seq && f.seqTo <= seq + 1)).toBe(true)
        },
      ),
    )
  })

  it('of many rows is covered by the ranges, and nothing else is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LENGTH })), (seqs) => {
        const edited = seqs.map((seq) => ({ ...row(seq), relation: 'x' }))
        expect(covered(folded(withRows(...edited)).findings)).toEqual([...seqs].sort((a, b) => a - b))
      }),
    )
  })

  it('of deleted rows is covered by the gaps', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LENGTH })), (seqs) => {
        const { findings } = folded(without(...seqs), { toSeq: LENGTH })
        expect(covered(findings)).toEqual([...seqs].sort((a, b) => a - b))
        expect(findings.every((f) => f.code === 'seq_gap')).toBe(true)
      }),
    )
  })
})

function covered(findings: readonly Finding[]): number[] {
  const seqs = findings.flatMap(({ seqFrom, seqTo }) =>
    Array.from({ length: seqTo - seqFrom + 1 }, (_, i) => seqFrom + i),
  )
  expect(new Set(seqs).size).toBe(seqs.length)
  return seqs.sort((a, b) => a - b)
}

describe('hostile rows', () => {
  const rowPart = fc.constantFrom(...honest)
  const hash = fc.oneof(
    hashArbitrary,
    rowPart.map((r) => r.entryHash),
    rowPart.map((r) => r.prevHash),
    fc.constantFrom('', 'zz', 'A'.repeat(64), '0'.repeat(62), `${'0'.repeat(64)}\n`, undefined),
  )
  const hostile: fc.Arbitrary<StoredRow> = fc.record({
    seq: fc.oneof(
      fc.integer({ min: -2, max: 12 }),
      fc.integer({ min: 1, max: 9 }),
      fc.double(),
      fc.maxSafeInteger(),
    ),
    canonical: fc.option(fc.oneof(rowPart.map(encodeCanonical), fc.uint8Array({ maxLength: 300 })), {
      nil: undefined,
    }),
    problem: fc.option(fc.string({ minLength: 1 }), { nil: undefined, freq: 3 }),
    unknownGeneration: fc.option(fc.integer(), { nil: undefined, freq: 8 }),
    prevHash: hash,
    entryHash: hash,
  })
  const options = fc.record({
    fromSeq: fc.integer({ min: 1, max: 6 }),
    toSeq: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    domainId: fc.constantFrom(DOMAIN, OTHER_DOMAIN, undefined),
    pins: fc.array(fc.record({ seq: fc.integer(), hash: fc.oneof(hashArbitrary, fc.string()) }), {
      maxLength: 3,
    }),
  })

  it('never make the fold throw, and all that it says can be stored and printed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostile, rowPart.map(stored)), { maxLength: 12 }),
        options,
        (rows, given) => {
          const result = folded(rows, given)
          expect(result.rows).toBeLessThanOrEqual(rows.length)
          for (const f of result.findings) {
            expect(Number.isInteger(f.seqFrom) && Number.isInteger(f.seqTo)).toBe(true)
            expect(f.seqFrom).toBeLessThanOrEqual(f.seqTo)
            expect(Math.max(Math.abs(f.seqFrom), Math.abs(f.seqTo))).toBeLessThanOrEqual(2 ** 53)
            for (const text of [f.expected, f.observed]) expect(text === undefined || isHash(text)).toBe(true)
            expect(f.detail).not.toBe('')
          }
          expect(result.last === undefined || isHash(result.last.hash)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
