import { nodeTreeHasher } from '../base/crypto/node-tree-hasher.js'
import { AuditError } from '../base/errors.js'
import { parseSignerState, type SignerState } from '../chain/log/signer-state.js'
import { Frontier } from '../chain/tree/frontier.js'
import { rootOf } from '../chain/tree/inclusion.js'
import type { SignerStates } from '../ports/signer.js'

/**
 * Returns the highest record of a tree; undefined where there is none. Rejects with `signer_state_missing` for a record that cannot be
 * read, or whose hashes do not fit together: it is never replaced by an older one.
 */
export async function newestRecord(states: SignerStates, origin: string): Promise<SignerState | undefined> {
  const stored = await states.newest(origin)
  if (stored === undefined) return undefined
  const state = parseSignerState(stored.text)
  if (state === undefined || state.k !== stored.k || state.origin !== origin || !isSound(state)) {
    throw new AuditError(
      'signer_state_missing',
      `record ${stored.k} of the signer for ${origin} is damaged: expected a record as this program writes it`,
    )
  }
  return state
}

function isSound({ size, root, lastEntryHash, path, frontier }: SignerState): boolean {
  const tree = new Frontier(nodeTreeHasher, size, frontier.map(bytesOf))
  const leafHash = nodeTreeHasher.leaf(bytesOf(lastEntryHash))
  const reached = rootOf({ leafHash, index: size - 1, size, path: path.map(bytesOf) }, nodeTreeHasher)
  return textOf(tree.root()) === root && textOf(reached) === root
}

function bytesOf(hash: string): Uint8Array {
  return Buffer.from(hash, 'hex')
}

function textOf(hash: Uint8Array | undefined): string | undefined {
  return hash && Buffer.from(hash).toString('hex')
}
