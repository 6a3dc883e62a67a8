import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import { rowEvidence } from '../chain/finding-fingerprint.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { MAX_UPLOADS_IN_FLIGHT } from '../ports/archive.js'

/** No chain has so wide a gap: 10,000 rows a second take more than a day to fill it, and 100 a second four months. */
const LONGEST_GAP = 1_000_000_000

/**
 * Returns whether an object proves nothing about the rows before it, because an attacker can put an object under any seq.
 * Such an object lies far beyond the row that it should link to and does not hash to its own entry_hash, or it lies
 * further away than any chain grows. A pinned row is never detached.
 */
export function isDetached(
  row: StoredRow,
  missing: number,
  pins: readonly ChainHead[],
  hasher: Hasher,
): boolean {
  // A running archiver leaves no wider gap.
  if (missing <= MAX_UPLOADS_IN_FLIGHT || pins.some(({ seq }) => seq === row.seq)) return false
  return isTooFar(missing) || !isSound(row, hasher)
}

/** Returns whether the key alone shows that the object does not belong to the chain. */
export function isTooFar(missing: number): boolean {
  return missing > LONGEST_GAP
}

function isSound({ canonical, prevHash, entryHash, unknownGeneration }: StoredRow, hasher: Hasher): boolean {
  // The hash of an unknown generation cannot be recomputed here.
  if (unknownGeneration !== undefined) return true
  if (canonical === undefined || prevHash === undefined) return false
  return hasher.entry(prevHash, canonical) === entryHash
}

/** Returns the findings for a detached object: that it is an orphan, and what is wrong with the object itself. */
export function detachedFindings(row: StoredRow, domainId: string, hasher: Hasher): Finding[] {
  const fold = new ChainFold({ domainId, fromSeq: row.seq, hasher })
  fold.add(row)
  return [
    ...fold.finish().findings,
    orphan(row, 'far beyond the chain, and nothing here links the object to the chain', hasher),
  ]
}

/** Returns the finding for an object that is not a row of the chain. */
export function orphan(row: StoredRow, detail: string, hasher: Hasher): Finding {
  const { seq } = row
  return { code: 'orphan_object', seqFrom: seq, seqTo: seq, detail, rows: rowEvidence(row, hasher) }
}
