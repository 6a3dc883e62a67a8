import { ZERO_HASH } from '../../../src/chain/hash.js'
import { broken, type ExpectedFinding } from './attack.js'
import { a, b, type PlainRow, rehashed, rewritten } from './chains.js'

/** Rows of chain A that are linked to another row than the one before. No row is there twice, so only the fold finds it. */
export interface Fork {
  readonly name: string
  /** The rows that were written over the rows of the same seq, or added after them. The last row is the chain's end. */
  readonly rows: readonly PlainRow[]
  readonly findings: readonly ExpectedFinding[]
}

const hash = (seq: number) => a(seq).entryHash
const linked = (seq: number, prevHash: string) => rehashed({ ...a(seq), prevHash })

/** All rows from `seq` on are hashed again, so that the link of row `seq` is all that is wrong. */
function suffix(name: string, seq: number, prevHash: string): Fork {
  return { name, rows: rewritten(seq, { prevHash }), findings: [broken(seq, hash(seq - 1), prevHash)] }
}

const twice = [linked(6, hash(4)), linked(7, hash(4))]
const early = rewritten(4, { prevHash: hash(2) }).filter(({ seq }) => seq < 7)
const late = rehashed({ ...a(7), prevHash: early[1]?.entryHash ?? '' })

export const FORKS: readonly Fork[] = [
  suffix('row 6 linked to row 4', 6, hash(4)),
  suffix('row 5 linked to row 3, as a second row after it', 5, hash(3)),
  suffix('row 7 linked to the genesis row', 7, hash(1)),
  suffix('row 2 linked to nothing, as a second genesis row', 2, ZERO_HASH),
  suffix('row 5 linked to nothing, as the genesis row of a second chain', 5, ZERO_HASH),
  suffix('row 5 linked to row 8', 5, hash(8)),
  suffix('row 6 linked to a row of another Domain', 6, b(4).entryHash),
  suffix('the last row linked to row 6', 8, hash(6)),
  {
    name: 'row 6 linked to row 4, row 7 as it was',
    rows: [linked(6, hash(4)), a(7), a(8)],
    findings: [broken(6, hash(5), hash(4), 7)],
  },
  {
    name: 'rows 5, 6 and 7 linked to row 4',
    rows: [...twice, rehashed({ ...a(8), prevHash: twice[1]?.entryHash ?? '' })],
    findings: [broken(6, hash(5), hash(4), 7)],
  },
  {
    name: 'row 4 linked to row 2, and row 7 to row 5',
    rows: [...early, late, rehashed({ ...a(8), prevHash: late.entryHash })],
    findings: [broken(4, hash(3), hash(2)), broken(7, early[2]?.entryHash ?? '', late.prevHash)],
  },
  {
    name: 'a row after the last one, linked to row 7',
    rows: [rehashed({ ...a(8), seq: 9, prevHash: hash(7) })],
    findings: [broken(9, hash(8), hash(7))],
  },
]

/** Returns the chain with the rows of the fork. */
export function forkedChain({ rows }: Fork): PlainRow[] {
  const last = Math.max(8, rows.at(-1)?.seq ?? 0)
  return Array.from({ length: last }, (_, i) => rows.find(({ seq }) => seq === i + 1) ?? a(i + 1))
}
