import { nodeTreeHasher } from '../base/crypto/node-tree-hasher.js'
import { AuditError } from '../base/errors.js'
import { parseSignerState, type SignerState } from '../chain/log/signer-state.js'
import { Frontier } from '../chain/tree/frontier.js'
import { rootOf } from '../chain/tree/inclusion.js'
import type { SignerStates, StoredRecord } from '../ports/signer.js'
import { Refusal } from './reasons.js'

/**
 * Returns the highest record of a tree; undefined where there is none. Rejects with `signer_state_missing` for a record whose hashes
 * do not fit together: it is never replaced by an older one. Throws the Refusal `state_unwritable` where the folder cannot be used.
 */
export async function newestRecord(states: SignerStates, origin: string): Promise<SignerState | undefined> {
  const stored = await read(states, origin)
  if (stored === undefined) return undefined
  const state = parseSignerState(stored.text)
  if (state === undefined || state.k !== stored.k || state.origin !== origin || !isSound(state)) {
    throw new AuditError(
      'signer_state_missing',
      `record ${stored.k} of the signer for ${origin} is damaged: expected a record as this program writes it. Put ` +
        `${states.pathOf(origin, stored.k)} back from its backup, or move it away: then the mirror and the rows show what was signed`,
    )
  }
  return state
}

async function read(states: SignerStates, origin: string): Promise<StoredRecord | undefined> {
  try {
    return await states.newest(origin)
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'signer_state_missing') throw error
    throw new Refusal('state_unwritable', error.message, { cause: error })
  }
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
