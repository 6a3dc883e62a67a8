import { rowEvidence } from '../chain/finding-fingerprint.js'
import type { StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { utf8 } from '../chain/limits.js'

/** Returns a hash over both copies of a row that differ, each with its recomputed hash. */
export function differenceOf(rows: readonly StoredRow[], copy: StoredRow, hasher: Hasher): string {
  const copies = [...rows.map((row) => rowEvidence(row, hasher)).sort(), rowEvidence(copy, hasher)]
  return hasher.canonical(utf8(copies.join('/')))
}
