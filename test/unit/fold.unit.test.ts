import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry, Entry } from '../../src/chain/entry.js'
import { ChainFold } from '../../src/chain/fold.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { chained, chainOf, DOMAIN, OTHER_DOMAIN, rehashed, stored } from '../support/chain-builder.js'
import { entryArbitrary } from '../support/entry-arbitrary.js'
import {
  type Attack,
  brokenLink,
  computed,
  expectAttack,
  F1,
  F2,
  folded,
  gap,
  hashOf,
  honest,
  LENGTH,
  malformed,
  mismatch,
  row,
  without,
  withRows,
  withStored,
} from '../support/fold-cases.js'
import { vectorEntry, vectors } from '../support/vectors.js'

describe('an intact chain', () => {
  it('has no finding', () => {
    expect(folded(honest.map(stored), { domainId: DOMAIN })).toEqual({
      rows: LENGTH,
      last: { seq: LENGTH, hash: hashOf(LENGTH) },
      recorded: { first: honest[0]?.recordedAt, last: honest.at(-1)?.recordedAt },
      findings: [],
    })
  })

  it('has no finding in the vectors, except a time of the platform chain that runs backwards', () => {
    const findingsOf = (name: 'domain' | 'platform') => {
      const rows = vectors.chains[name].map(vectorEntry)
      return folded(rows.map(stored), { domainId: rows[0]?.domainId }).findings
    }
    expect(findingsOf('domain')).toEqual([])
    // The vectors pin bytes and hashes: row 2 is of 1999, and no append can write it after row 1.
    expect(findingsOf('platform')).toMatchObject([{ code: 'malformed_row', seqFrom: 2, seqTo: 2 }])
  })

  it('has no finding for any entries, in any segment', () => {
    const entries = fc.array(entryArbitrary, { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (any, a, b) => {
        const times = any.map(({ recordedAt }) => recordedAt).sort((x, y) => (x < y ? -1 : 1))
        const placed = any.map((entry, i) => ({ ...entry, domainId: DOMAIN, seq: i + 1 }))
        const rows = chained(placed.map((entry, i) => ({ ...entry, recordedAt: times[i] ?? 0n })))
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

  it('may be read into one buffer that every row overwrites', () => {
    const scratch = Buffer.alloc(4096)
    const fold = new ChainFold({ fromSeq: 1, hasher: nodeHasher })
    for (const entry of honest) {
      const canonical = encodeCanonical(entry)
      scratch.set(canonical)
      fold.add({ ...stored(entry), canonical: scratch.subarray(0, canonical.length) })
    }
    expect(fold.finish().findings).toEqual([])
  })

  it('has no rows and no last row when it is empty', () => {
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

  it.each(EDITS)('is found at the row: %s', (_name, patch) => {
    const edited = { ...row(4), ...patch }
    expectAttack({ name: '', rows: withRows(edited), findings: [mismatch(edited)] })
  })

  it.each(EDITS)('is found in the genesis row: %s', (_name, patch) => {
    const edited = { ...row(1), recordedAt: 0n, ...patch }
    expectAttack({ name: '', rows: withRows(edited), findings: [mismatch(edited)] })
  })

  it.each(EDITS)('is found at the next link after recomputing entry_hash: %s', (_name, patch) => {
    const edited = rehashed({ ...row(4), ...patch })
    const findings = [brokenLink(5, edited.entryHash, hashOf(4))]
    expectAttack({ name: '', rows: withRows(edited), findings })
  })

  it.each(EDITS)(
    'is only found by the head in the last row after recomputing entry_hash: %s',
    (_name, patch) => {
      const last = row(LENGTH)
      const later = (patch.recordedAt ?? row(4).recordedAt) - row(4).recordedAt
      const edited = rehashed({ ...last, ...patch, recordedAt: last.recordedAt + later })
      expectAttack({ name: '', rows: withRows(edited), findings: [] })
    },
  )
})

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
  { name: 'at the end: only the head shows it', rows: without(LENGTH), findings: [] },
  {
    name: 'at the end of a segment with rows after it',
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
    name: 'and the row after the gap edited: its link is not judged',
    rows: without(4).map((r) => (r.seq === 5 ? stored(rehashed({ ...row(5), prevHash: F1 })) : r)),
    findings: [gap(4, 4, F1), brokenLink(6, computed({ ...row(5), prevHash: F1 }), hashOf(5))],
  },
]

/** Exchanges the seqs of rows `a` and `b` and nothing else. */
function seqsSwapped(a: number, b: number): ChainedEntry[] {
  return [
    { ...row(b), seq: a },
    { ...row(a), seq: b },
  ]
}

/** Exchanges everything of rows `a` and `b` except seq and the hashes. */
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

const foreign = chainOf(LENGTH, { domainId: OTHER_DOMAIN })
const copied = { ...(foreign[3] ?? row(4)), domainId: DOMAIN }
const foreignRow = stored(foreign[3] ?? row(4))
const FOREIGN: readonly Attack[] = [
  {
    name: 'stored in place of our row, with its domain_id rewritten by the table',
    rows: withRows(copied),
    findings: [mismatch(copied), brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'given in place of our row by a source that does not check',
    rows: withStored(foreignRow),
    findings: [brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'given in place of our row to a fold that knows the chain',
    rows: withStored(foreignRow),
    options: { domainId: DOMAIN },
    findings: [malformed(4, copied.entryHash), brokenLink(4, hashOf(3), copied.prevHash, 5)],
  },
  {
    name: 'a whole chain presented as ours',
    rows: foreign.map(stored),
    options: { domainId: DOMAIN },
    findings: [{ ...malformed(1, foreign[0]?.entryHash), seqTo: LENGTH }],
  },
  {
    name: 'our own row presented as another seq',
    rows: withStored({ ...stored(row(2)), seq: 4 }),
    findings: [malformed(4, hashOf(2)), brokenLink(4, hashOf(3), hashOf(1), 5)],
  },
]

describe.each([
  ['edited hashes', HASHES],
  ['deleted rows', DELETED],
  ['swapped rows', SWAPPED],
  ['a row of another Domain', FOREIGN],
])('%s', (_name, attacks) => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('are found: %s', (_case, attack) => {
    expectAttack(attack)
  })
})
