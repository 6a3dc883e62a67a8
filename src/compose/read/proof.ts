import { verifyEd25519 } from '../../base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../../base/crypto/node-tree-hasher.js'
import { nodeHasher } from '../../base/node-hasher.js'
import type { RowId } from '../../ports/mirror.js'
import type { ExpectedRow, ProofTools } from '../../proof/verify-proof.js'
import { mirrorCodec } from '../mirror.js'

/** The hashes and the signature check of OpenSSL. */
export const PROOF_TOOLS: ProofTools = {
  hasher: nodeHasher,
  treeHasher: nodeTreeHasher,
  verify: verifyEd25519,
}

/** Returns the entry_hash of the row in a mirror's object, or why the object is not that row. What the object claims is recomputed. */
export async function rowInObject(bytes: Uint8Array, { domainId, seq }: RowId): Promise<ExpectedRow> {
  const decoded = await (await mirrorCodec()).decode(bytes, { domainId, seq })
  const problem = 'entry' in decoded ? 'its entry_hash is not that of its fields' : decoded.problem
  const notTheRow = { problem: `the object is not row ${seq} of ${domainId}: ${problem}` }
  if (!('entry' in decoded)) return notTheRow
  const { prevHash, entryHash } = decoded.entry
  return nodeHasher.entry(prevHash, decoded.canonical) === entryHash ? { entryHash } : notTheRow
}
