import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'

/**
 * An archiver has no more uploads of a chain under way: beyond a gap wider than this an object must be sound to be
 * taken for a row of the chain, and the gap for rows that are missing.
 */
const NEAR = 256

/** No chain comes to so many rows: 10,000 a second take more than a day of nothing else, and 100 a second four months. */
const BEYOND_ALL = 1_000_000_000

/**
 * Whether an object says nothing of the rows before it, for somebody may have put it there under any number: it lies far
 * beyond what it should link to and does not even hash to its own entry_hash, or further than any chain goes. What was
 * pinned is a row, wherever it is.
 */
export function isDetached(
  row: StoredRow,
  missing: number,
  pins: readonly ChainHead[],
  hasher: Hasher,
): boolean {
  if (missing <= NEAR || pins.some(({ seq }) => seq === row.seq)) return false
  return isTooFar(missing) || !isSound(row, hasher)
}

/** Whether a key alone is enough to know that it is none of the chain's. */
export function isTooFar(missing: number): boolean {
  return missing > BEYOND_ALL
}

function isSound({ canonical, prevHash, entryHash, unknownGeneration }: StoredRow, hasher: Hasher): boolean {
  // Of a generation that is not known here it cannot be told.
  if (unknownGeneration !== undefined) return true
  if (canonical === undefined || prevHash === undefined) return false
  return hasher.entry(prevHash, canonical) === entryHash
}

/** What is to be told of an object that is detached: that it is an orphan, and what is wrong with it by itself. */
export function detachedFindings(row: StoredRow, domainId: string, hasher: Hasher): Finding[] {
  const fold = new ChainFold({ domainId, fromSeq: row.seq, hasher })
  fold.add(row)
  return [...fold.finish().findings, orphan(row.seq, 'far beyond the chain, and nothing here links it to it')]
}

export function orphan(seq: number, detail: string): Finding {
  return { code: 'orphan_object', seqFrom: seq, seqTo: seq, detail }
}
