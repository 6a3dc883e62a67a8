import { describe, expect, it } from 'vitest'
import type { StoredRow } from '../../src/chain/fold.js'
import { ZERO_HASH } from '../../src/chain/hash.js'
import { DOMAIN, entryAt, entryHashOf, rehashed, stored } from '../support/chain-builder.js'
import {
  type Attack,
  bare,
  brokenLink,
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
  outOfRange,
  row,
  withStored,
} from '../support/fold-cases.js'
import { plainEncode } from '../support/plain-canonical.js'

/** Row 4 with bytes that the encoder would not write, and with all hashes recomputed to fit. */
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
    name: 'prev_hash is not a hash',
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
    name: 'the largest seq, after a gap',
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
  ['malformed rows', MALFORMED],
  ['seq outside 1 to 2^53-1', SEQS],
])('%s', (_name, attacks) => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('are judged: %s', (_case, attack) => {
    expectAttack(attack)
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

  it('is reported as unchecked, not as a finding, with the first row', () => {
    const result = folded(withStored(unknown(4), unknown(6, { unknownGeneration: 3 })))
    expect(result.findings).toEqual([])
    expect(result.unchecked).toEqual({ seq: 4, generation: 2 })
    expect(result.rows).toBe(LENGTH)
  })

  it('must still link, because the hashes are the same in every generation', () => {
    const broken = brokenLink(4, hashOf(3), F1)
    expectAttack({ name: '', rows: withStored(unknown(4, { prevHash: F1 })), findings: [broken] })
    const next = brokenLink(5, F2, hashOf(4))
    expectAttack({ name: '', rows: withStored(unknown(4, { entryHash: F2 })), findings: [next] })
  })

  it('is not malformed without hashes either', () => {
    const rows = withStored(unknown(4, { prevHash: undefined, entryHash: undefined }))
    expectAttack({ name: '', rows, findings: [] })
  })

  it('does not hide damage elsewhere', () => {
    const edited = { ...row(6), relation: 'x' }
    const rows = withStored(unknown(4), stored(edited))
    expectAttack({ name: '', rows, findings: [mismatch(edited)] })
  })
})
