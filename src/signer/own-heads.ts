import { verifyEd25519 } from '../base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../base/crypto/node-tree-hasher.js'
import { parseLeafExtra } from '../chain/log/leaf-extra.js'
import { checkpointFolder, checkpointKey, parseCheckpointKey } from '../chain/log/object-keys.js'
import type { ChainRef } from '../chain/log/row-items.js'
import { parseCheckpoint } from '../chain/note/checkpoint.js'
import { parseNote } from '../chain/note/note.js'
import { signersOf } from '../chain/note/signers.js'
import { PROOF_LIMITS, parseTlogProof } from '../chain/note/tlog-proof.js'
import type { VerifierKey } from '../chain/note/vkey.js'
import { rootOf } from '../chain/tree/inclusion.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { SignerStore } from '../ports/signer.js'
import type { KnownLog } from './known-log.js'

/** A head that the signer's own key signed, as something outside its records shows. */
export interface OwnHead {
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
  /** The entry_hash of row `size`. */
  readonly entryHash: string
}

/** Objects that are not our own, after which no older ones are looked at. */
const SKIPPED = 64

/** Returns the head in the index, if the key of the chain signed it. */
export async function indexedHead(
  store: SignerStore,
  chain: ChainRef,
  key: VerifierKey,
): Promise<OwnHead | undefined> {
  const head = await store.newestHead(chain)
  const note = head && parseNote(head.note)
  const checkpoint = note && parseCheckpoint(note.body)
  if (head === undefined || note === undefined || checkpoint === undefined) return undefined
  const { size, root, entryHash } = head
  const isSame =
    checkpoint.origin === key.name && checkpoint.size === size && textOf(checkpoint.root) === root
  const isSigned = signersOf(note, [key], verifyEd25519)?.known.has(key) === true
  return isSame && isSigned ? { size, root, entryHash } : undefined
}

/** Returns the newest head of a chain in the signed rows of the platform chain: none, one, or several of one size that differ. */
export async function headsInRows(chain: ChainRef, known: KnownLog): Promise<readonly OwnHead[]> {
  return (await known.newestHeads()).get(chain.domainId) ?? []
}

/**
 * Returns the newest kept checkpoints of a chain in its mirror that its key signed: one, or several of one size that differ. `from`:
 * a size that was signed for sure, so that smaller ones need not be listed; 0 where none is known.
 */
export async function keptHeads(
  store: MirrorStore,
  { domainId }: ChainRef,
  key: VerifierKey,
  from: number,
  signal: AbortSignal,
): Promise<readonly OwnHead[]> {
  const keys: { readonly key: string; readonly size: number }[] = []
  const after = from > 1 ? checkpointKey(domainId, from - 1, '') : undefined
  for await (const listed of store.list(checkpointFolder(domainId), signal, after)) {
    const parsed = parseCheckpointKey(listed.key)
    if (parsed?.domainId === domainId) keys.push({ key: listed.key, size: parsed.size })
  }
  const found: OwnHead[] = []
  let skipped = 0
  for (const { key: name, size } of keys.reverse()) {
    if (skipped > SKIPPED || size < (found[0]?.size ?? 0)) break
    const object = await store.get(name, PROOF_LIMITS.bytes, signal)
    const head = object && keptHead(object.bytes, key)
    if (head?.size === size) found.push(head)
    else skipped += 1
  }
  return found
}

/** Reads a kept checkpoint. Undefined where the key did not sign it, or its path does not lead from the entry_hash to the root. */
export function keptHead(bytes: Uint8Array, key: VerifierKey): OwnHead | undefined {
  const proof = parseTlogProof(new TextDecoder().decode(bytes))
  const extra = proof?.extra && parseLeafExtra(proof.extra)
  if (proof === undefined || extra === undefined || extra === 'malformed' || extra.kind !== 'leaf')
    return undefined
  const { origin, size, root } = proof.checkpoint
  const leafHash = nodeTreeHasher.leaf(extra.entryHash)
  const reached = rootOf({ leafHash, index: proof.index, size, path: proof.path }, nodeTreeHasher)
  const isWhole = proof.index === size - 1 && textOf(reached) === textOf(root)
  const isSigned = signersOf(proof.note, [key], verifyEd25519)?.known.has(key) === true
  if (origin !== key.name || !isWhole || !isSigned) return undefined
  return { size, root: textOf(root) ?? '', entryHash: textOf(extra.entryHash) ?? '' }
}

function textOf(hash: Uint8Array | undefined): string | undefined {
  return hash && Buffer.from(hash).toString('hex')
}
