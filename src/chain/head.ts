import type { ChainHead } from './entry.js'
import { type Finding, finding } from './finding.js'
import { isHash, ZERO_HASH } from './hash.js'

/** The last stored row of a chain. */
export interface LastRow {
  readonly seq: number
  /** The entry_hash of every row with that seq, which may be duplicated. Malformed hashes are skipped. */
  readonly hashes: readonly string[]
}

/**
 * Compares a chain's head with its last row, both from one snapshot. This finds a cut tail, because the head still
 * counts the missing rows. `last` is absent where the chain has no rows. A last row without a hash is already a
 * malformed row, so the head is not judged, just as a link after that row would not be.
 */
export function judgeHead(head: ChainHead | undefined, last: LastRow | undefined): Finding | undefined {
  const { seq } = last ?? { seq: 0 }
  const hashes = last?.hashes.filter(isHash) ?? [ZERO_HASH]
  const mismatch = (seqFrom: number, seqTo: number, detail: string) =>
    finding({
      code: 'head_mismatch',
      seqFrom: Math.max(seqFrom, 1),
      seqTo: Math.max(seqTo, 1),
      expected: hashes[0],
      observed: head?.hash,
      detail,
    })
  if (head === undefined) return mismatch(seq, seq, 'the chain head is missing')
  if (head.seq > seq)
    return mismatch(seq + 1, head.seq, `the head counts ${head.seq} rows, the last row is ${seq}`)
  if (head.seq < seq) return mismatch(head.seq + 1, seq, `rows beyond the head, which counts ${head.seq}`)
  const isLast = hashes.length === 0 || hashes.includes(head.hash)
  return isLast ? undefined : mismatch(seq, seq, 'the head is not the entry_hash of the last row')
}
