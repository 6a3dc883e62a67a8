import { nodeHasher } from '../../base/node-hasher.js'
import { canonicalProblem } from '../../chain/canonical-problem.js'
import { isHash } from '../../chain/hash.js'
import { placeProblem } from '../../chain/row-place.js'
import { uuidBytes } from '../../chain/uuid-bytes.js'
import type { OwnBytes, RowId } from '../../ports/mirror.js'

/** Returns the canonical bytes that a malformed object holds; undefined where it holds none in base64. They are untrusted. */
export function ownBytes(value: Readonly<Record<string, unknown>>, row: RowId): OwnBytes | undefined {
  const { canonical_bytes: text, prev_hash: prevHash, entry_hash: entryHash } = value
  if (typeof text !== 'string') return undefined
  const canonical = Buffer.from(text, 'base64')
  if (canonical.length === 0 || canonical.toString('base64') !== text) return undefined
  const recompute =
    typeof prevHash === 'string' &&
    isHash(prevHash) &&
    nodeHasher.entry(prevHash, canonical) === entryHash &&
    canonicalProblem(canonical) === undefined &&
    placeProblem(canonical, row.seq, uuidBytes(row.domainId)) === undefined
  return { canonical, recompute }
}
