import { canonicalProblem } from '../../chain/canonical-problem.js'
import type { RowCheck } from '../../chain/evidence/finding-evidence.js'
import type { StoredRow } from '../../chain/fold.js'
import { asHash, type Hasher } from '../../chain/hash.js'
import { placeProblem } from '../../chain/row-place.js'

/**
 * Recomputes one stored row, and compares its link with the entry_hash of the stored row before it. A link is not judged
 * where `before` is undefined. A row of an unknown generation cannot be recomputed, so only its link is judged.
 */
export function rowCheck(
  row: StoredRow,
  before: string | undefined,
  domain: Uint8Array,
  hasher: Hasher,
): RowCheck {
  if (row.unknownGeneration === undefined && !recomputes(row, domain, hasher)) return 'damaged'
  return before === undefined || row.prevHash === before ? 'ok' : 'unlinked'
}

function recomputes(
  { seq, canonical, problem, prevHash, entryHash }: StoredRow,
  domain: Uint8Array,
  hasher: Hasher,
): boolean {
  const hash = asHash(prevHash)
  if (canonical === undefined || problem !== undefined || hash === undefined) return false
  if (hasher.entry(hash, canonical) !== entryHash) return false
  return (canonicalProblem(canonical) ?? placeProblem(canonical, seq, domain)) === undefined
}
