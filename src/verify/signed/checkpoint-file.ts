import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { decodeCanonical } from '../../chain/canonical.js'
import type { Hasher } from '../../chain/hash.js'
import { type LeafExtra, parseLeafExtra } from '../../chain/log/leaf-extra.js'
import { parseOrigin } from '../../chain/log/origin.js'
import type { ChainRef } from '../../chain/log/row-items.js'
import { type Checkpoint, parseCheckpoint } from '../../chain/note/checkpoint.js'
import { type Note, parseNote } from '../../chain/note/note.js'
import { PROOF_LIMITS, parseTlogProof, type TlogProof } from '../../chain/note/tlog-proof.js'
import { rootOf } from '../../chain/tree/inclusion.js'
import type { TreeHasher } from '../../chain/tree/tree-hash.js'

/** A checkpoint of one chain as a file holds it. Its signatures were not checked. */
export interface CheckpointFile extends ChainRef {
  readonly origin: string
  readonly logName: string
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
  /** The entry_hash of the last row, which the path in the file leads to the root; absent for a note without such a path. */
  readonly entryHash?: string | undefined
  readonly note: Note
}

/** Why a file is no checkpoint of a chain. */
export interface CheckpointProblem {
  readonly problem: string
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a note (tlog.md, section 5), a kept checkpoint, or the proof of any row. Only the note is signed: a proof that holds its
 * row or leaf must lead from there to the root. The path of the last row also says which entry_hash the chain ends with.
 */
export function readCheckpointFile(
  bytes: Uint8Array,
  hashers: CheckpointHashers,
): CheckpointFile | CheckpointProblem {
  const text = textOf(bytes)
  if (text === undefined) return NO_CHECKPOINT
  const proof = parseTlogProof(text)
  const note = proof?.note ?? parseNote(text)
  const checkpoint = note && parseCheckpoint(note.body)
  if (note === undefined || checkpoint === undefined) return NO_CHECKPOINT
  const tree = parseOrigin(checkpoint.origin)
  if (tree === undefined) return { problem: `the origin ${JSON.stringify(checkpoint.origin)} names no chain` }
  const leaf = proof?.extra === undefined ? undefined : leafOf(parseLeafExtra(proof.extra), hashers)
  if (leaf === 'malformed') return { problem: 'its extra line holds no row' }
  if (proof !== undefined && leaf !== undefined && !isInTree(proof, leaf, hashers))
    return { problem: 'its path does not lead from its row to the signed root' }
  const isLast = proof?.index === checkpoint.size - 1
  return {
    ...tree,
    ...headOf(checkpoint),
    ...(leaf !== undefined && isLast && { entryHash: bytesToHex(leaf) }),
    note,
  }
}

/** The hashes that a checkpoint file is read with. */
export interface CheckpointHashers {
  readonly hasher: Hasher
  readonly treeHasher: TreeHasher
}

const NO_CHECKPOINT = { problem: 'expected a signed checkpoint, or a tlog-proof' }

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > PROOF_LIMITS.bytes) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    // The bytes are not UTF-8.
    return undefined
  }
}

function headOf({ origin, size, root }: Checkpoint): Pick<CheckpointFile, 'origin' | 'size' | 'root'> {
  return { origin, size, root: bytesToHex(root) }
}

/** Returns the data of the leaf that a file holds; undefined where another application wrote the line. */
function leafOf(
  extra: LeafExtra | 'malformed' | undefined,
  { hasher }: CheckpointHashers,
): Uint8Array | 'malformed' | undefined {
  if (extra === undefined || extra === 'malformed') return extra
  if (extra.kind === 'leaf') return extra.entryHash
  if (!isRow(extra.canonical)) return 'malformed'
  return hexToBytes(hasher.entry(bytesToHex(extra.prevHash), extra.canonical))
}

function isRow(canonical: Uint8Array): boolean {
  try {
    decodeCanonical(canonical)
    return true
  } catch {
    // What is wrong with the bytes of a stranger is of no use.
    return false
  }
}

function isInTree(
  { index, path, checkpoint }: TlogProof,
  leaf: Uint8Array,
  { treeHasher }: CheckpointHashers,
): boolean {
  const root = rootOf({ leafHash: treeHasher.leaf(leaf), index, size: checkpoint.size, path }, treeHasher)
  return root !== undefined && bytesToHex(root) === bytesToHex(checkpoint.root)
}
