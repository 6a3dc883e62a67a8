import { hexToBytes } from '@noble/hashes/utils.js'
import { AuditError } from '../base/errors.js'
import { isHash } from '../chain/hash.js'
import { HOLE_DATA, type Holes } from '../chain/tree/holes.js'
import type { ProofSource, RowHashes } from '../ports/proof.js'

/** Rows of one copy, and where the tree of their chain has holes. */
export interface LeafRows {
  readonly source: Pick<ProofSource, 'rows' | 'where'>
  readonly domainId: string
  readonly holes: Holes
}

/**
 * Yields the data of the leaves of the rows from a seq to another, both included. Rejects with `proof_unavailable` where the copy
 * lacks one of the rows.
 */
export async function* leavesOf(from: number, to: number, rows: LeafRows): AsyncGenerator<Uint8Array> {
  const { source, domainId, holes } = rows
  // The row after a hole has the data of the last row in it.
  const last = (holes.at(to)?.to ?? to - 1) + 1
  let next = from
  for await (const row of source.rows(domainId, from, last)) {
    if (row.seq < next || holes.at(row.seq) !== undefined) continue
    for (; next < row.seq && next <= to; next += 1) yield inHole(next, row, rows)
    if (next > to) return
    yield hashOf(row.entryHash, row.seq, rows)
    next += 1
  }
  if (next <= to) throw missing(next, rows)
}

/** Returns the data of a row before the next one that is there. */
function inHole(seq: number, next: RowHashes, rows: LeafRows): Uint8Array {
  const hole = rows.holes.at(seq)
  if (hole === undefined) throw missing(seq, rows)
  if (next.seq > hole.to + 1) throw missing(hole.to + 1, rows)
  return seq < hole.to ? HOLE_DATA : hashOf(next.prevHash, next.seq, rows)
}

function missing(seq: number, { domainId, source }: LeafRows): AuditError {
  return new AuditError('proof_unavailable', `row ${seq} of chain ${domainId} is not in ${source.where}`)
}

function hashOf(text: string | undefined, seq: number, { source }: LeafRows): Uint8Array {
  if (text !== undefined && isHash(text)) return hexToBytes(text)
  throw new AuditError('proof_unavailable', `row ${seq} in ${source.where} has no hash`)
}
