import { expect, it } from 'vitest'
import type { ChainHead } from '../../src/chain/entry.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { TwoCopies } from '../../src/verify/two-copies.js'
import { A, a, canonicalOf, type PlainRow, rewritten } from '../support/attacks/chains.js'

const HONEST = [1, 2, 3, 4, 5, 6, 7, 8].map(a)
const FORGED = [...HONEST.slice(0, 3), ...rewritten(4, { relation: 'x' })]
const TAIL = 8

const at = ({ seq, entryHash: hash }: PlainRow): ChainHead => ({ seq, hash })
const honest = at(a(TAIL))
const forged = at(FORGED[TAIL - 1] as PlainRow)

function stored(row: PlainRow): StoredRow {
  return { seq: row.seq, canonical: canonicalOf(row), prevHash: row.prevHash, entryHash: row.entryHash }
}

/** Returns the findings, shortened. Rows after `mirrored` are not archived. Postgres returns the first `shown` rows. */
function compare(
  postgres: readonly PlainRow[],
  mirror: readonly PlainRow[],
  pins: readonly ChainHead[],
  mirrored = TAIL,
  shown = TAIL,
): string[] {
  const head = at(postgres[TAIL - 1] as PlainRow)
  const snapshot = {
    known: true,
    head,
    last: { seq: head.seq, hashes: [head.hash] },
    archive: { through: 0, inOrderBelow: 0 },
    unstamped: mirrored < TAIL ? [mirrored + 1, TAIL] : [],
    checkIndexes: async () => undefined,
    rows: async function* () {},
    close: async () => {},
  }
  const copies = new TwoCopies({ domainId: A, fromSeq: 1, pins }, snapshot, nobleHasher)
  for (const row of postgres.slice(0, shown)) {
    const copy = mirror[row.seq - 1]
    const object =
      row.seq > mirrored || copy === undefined
        ? undefined
        : ({ kind: 'row', seq: row.seq, row: stored(copy), etag: '' } as const)
    copies.add({ seq: row.seq, rows: [stored(row)], object })
  }
  return copies
    .finish()
    .fold.findings.map(
      ({ code, seqFrom, seqTo, detail }) => `${code} ${seqFrom}-${seqTo} ${detail.replace(/^.*: /, '')}`,
    )
}

const BOTH_CHAIN =
  'copies_differ 4-8 both chain, so one was rewritten from here on; a head seen before shows which'
const PIN = 'unexpected_head 8-8 the pinned head 8 is not in the chain'

it.each([
  ['the mirror, without a pin', HONEST, FORGED, [], [BOTH_CHAIN]],
  [
    'the mirror, with a pin',
    HONEST,
    FORGED,
    [honest],
    ['copies_differ 4-8 the mirror was changed; the chain in PostgreSQL is intact', PIN],
  ],
  [
    'Postgres, with a pin',
    FORGED,
    HONEST,
    [honest],
    ["copies_differ 4-8 PostgreSQL was changed; the mirror's chain is intact", PIN],
  ],
  ['both, with a pin', FORGED, FORGED, [honest], [PIN]],
  ['neither, with a pin', HONEST, HONEST, [honest], []],
] as const)('reports a suffix that was rewritten in %s', (_name, postgres, mirror, pins, findings) => {
  expect(compare(postgres, mirror, pins).sort()).toEqual([...findings].sort())
})

it('accepts a pinned head that is not archived yet', () => {
  expect(compare(HONEST, HONEST, [honest], 6)).toEqual([])
})

it('reports a pinned head that neither copy has once', () => {
  expect(compare(HONEST, HONEST, [forged])).toEqual([PIN])
})

it('reports a gap up to the last row of the snapshot when Postgres returns fewer rows', () => {
  expect(compare(HONEST, HONEST, [], 5, 6)).toEqual(['seq_gap 7-8 2 missing before row 9 in both copies'])
})
