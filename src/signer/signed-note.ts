import { verifyEd25519 } from '../base/crypto/node-ed25519.js'
import { AuditError } from '../base/errors.js'
import { utf8 } from '../chain/limits.js'
import { leafExtraBytes } from '../chain/log/leaf-extra.js'
import { rowMessage } from '../chain/log/row-signature.js'
import type { SIGNED_RELATION, SignableRow } from '../chain/log/signed-row.js'
import type { SignerState } from '../chain/log/signer-state.js'
import { encodeBase64 } from '../chain/note/base64.js'
import { checkpointText } from '../chain/note/checkpoint.js'
import { tlogProofText } from '../chain/note/tlog-proof.js'
import type { VerifierKey } from '../chain/note/vkey.js'
import { PLATFORM_OBJECT } from '../chain/self-audit.js'
import type { TreeKey } from '../ports/signer.js'
import { publicKeyOf } from './known-log.js'

type Head = Pick<SignerState, 'origin' | 'size' | 'root'>

/** Returns the body of the checkpoint of a head. */
export function bodyOf({ origin, size, root }: Head): string {
  return checkpointText({ origin, size, root: bytesOf(root) })
}

/**
 * Returns the signed note of a head, the same bytes each time. `recorded`: the public key that signed rows name for the chain; the
 * signature is verified with it. Throws `internal` where it does not verify.
 */
export function signedNote(head: Head, key: TreeKey, recorded: VerifierKey): string {
  const body = bodyOf(head)
  const signature = key.sign(utf8(body))
  if (!verifyEd25519(recorded.publicKey, utf8(body), signature))
    throw new AuditError('internal', `the signature of ${head.origin} does not verify with its public key`)
  const line = encodeBase64(Buffer.concat([Buffer.from(recorded.id, 'hex'), signature]))
  return `${body}\n— ${recorded.name} ${line}\n`
}

/** Returns the kept checkpoint of a head (tlog.md, section 5): the proof of its last leaf, with the entry_hash of that leaf. */
export function keptCheckpointText({ size, path, lastEntryHash }: SignerState, note: string): string {
  const extra = leafExtraBytes({ kind: 'leaf', entryHash: bytesOf(lastEntryHash) })
  return tlogProofText({ extra, index: size - 1, path: path.map(bytesOf) }, note)
}

type SignedRelation = (typeof SIGNED_RELATION)[keyof typeof SIGNED_RELATION]

/** Returns a row of the platform chain with these items and the signature of the platform key over them. */
export function signedRow(
  relation: SignedRelation,
  items: readonly string[],
  platform: TreeKey,
): SignableRow {
  const message = rowMessage(platform.origin, { relation, items })
  const sig = `sig:${publicKeyOf(platform).id}:${encodeBase64(platform.sign(message))}`
  return { relation, object: PLATFORM_OBJECT, relationPath: [...items, sig] }
}

function bytesOf(hash: string): Uint8Array {
  return Buffer.from(hash, 'hex')
}
