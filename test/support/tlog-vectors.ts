import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { treeHasher } from '../../src/chain/tree/tree-hash.js'

interface Path {
  readonly index: number
  readonly size: number
  readonly path: readonly string[]
}

/** One file that verify-proof reads, with its answer. */
export interface ProofCase {
  readonly why: string
  readonly file: string
  readonly policy: string
  readonly entry_hash?: string
  readonly exit: number
  readonly code: string
}

interface Key {
  readonly public: string
  readonly key_id: string
  readonly vkey: string
}

interface ChainKey extends Key {
  readonly domain_id: string
  readonly incarnation: number
  readonly origin: string
  readonly seed: string
}

interface VectorRow {
  readonly relation: string
  readonly object: string
  readonly relation_path: readonly string[]
}

interface Refused {
  readonly why: string
  readonly text: string
}

/** A row of a small log that is built by other code. Bytes are hex. */
interface LedgerRow {
  readonly seq: number
  readonly prev_hash: string
  readonly canonical: string
  readonly entry_hash: string
}

/** The vectors of an implementation that shares no code with this one. */
export interface TlogVectors {
  readonly first_entry_hashes: readonly string[]
  readonly first_leaf_hashes: readonly string[]
  readonly trees: readonly { readonly size: number; readonly root: string }[]
  readonly frontiers: readonly { readonly size: number; readonly hashes: readonly string[] }[]
  readonly inclusion: readonly Path[]
  readonly tiles: readonly {
    readonly size: number
    readonly files: Readonly<Record<string, { readonly sha256: string }>>
  }[]
  readonly holes: {
    readonly rows: readonly {
      readonly seq: number
      readonly prev_hash: string
      readonly entry_hash: string
    }[]
    readonly signed_over: readonly string[]
    readonly leaf_data: readonly string[]
    readonly root: string
  }
  readonly keys: {
    readonly log_seed: string
    readonly default_log_name: string
    readonly chains: readonly ChainKey[]
    readonly witness: Key
    readonly ranges: {
      readonly items: readonly string[]
      readonly ranges: readonly { key_id: string; from_size: number; last_size?: number }[]
      readonly lines: readonly { key_id: string; size: number; counts: boolean; note: string }[]
    }
  }
  readonly checkpoint: { readonly body: string; readonly signed: string; readonly cosigned: string }
  readonly tlog_proof: { readonly entry_hash: string; readonly text: string }
  readonly kept: readonly { size: number; key: string; entry_hash: string; text: string }[]
  readonly signer_state: readonly string[]
  readonly signed_rows: {
    readonly origin: string
    readonly platform_keys: readonly string[]
    readonly valid: readonly (VectorRow & { name: string; message: string; signed_by: readonly string[] })[]
    readonly refused: readonly (VectorRow & { readonly why: string })[]
    readonly statement: { readonly key: string; readonly text: string }
  }
  readonly policies: {
    readonly one_witness: string
    readonly platform: string
    readonly warning: string
    readonly refused: readonly Refused[]
    readonly quorums: readonly {
      readonly policy: string
      readonly sets: readonly { readonly signed: readonly string[]; readonly met: boolean }[]
    }[]
  }
  readonly ledger: {
    readonly tenant: readonly LedgerRow[]
    readonly tenant_root: string
    readonly tenant_checkpoint: string
    readonly platform: readonly LedgerRow[]
    readonly platform_root: string
    readonly platform_checkpoint: string
    readonly relation_paths: readonly { seq: number; relation: string; relation_path: readonly string[] }[]
    readonly pins: readonly {
      readonly domain_id: string
      readonly size: number
      readonly root: string
      readonly entry_hash: string
      readonly platform_seq: number
    }[]
    readonly forged_row: { readonly seq: number; readonly relation_path: readonly string[] }
  }
  readonly audit_proof: {
    readonly policy: string
    readonly valid: string
    readonly refused: readonly Refused[]
  }
  readonly verify_proof: readonly ProofCase[]
  readonly refused: {
    readonly checkpoint_bodies: readonly Refused[]
    readonly notes: readonly Refused[]
    readonly proofs: readonly (Refused & { readonly entry_hash: string })[]
  }
}

export const TLOG: TlogVectors = JSON.parse(
  readFileSync(new URL('../vectors/tlog.json', import.meta.url), 'utf8'),
)

export const hex = bytesToHex
export const unhex = hexToBytes
export const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'))
export const HASHER = treeHasher(sha256)

/** Returns the entry_hash of a leaf of the vectors: sha256 of its index as 8 bytes. */
export function entryHash(index: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(index))
  return sha256(bytes)
}

/** Returns the root of a tree by its recursive definition (RFC 6962, section 2.1). */
export function definedRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only, ...others] = leaves
  if (only === undefined) return sha256(new Uint8Array())
  if (others.length === 0) return HASHER.leaf(only)
  const split = leftSize(leaves.length)
  return HASHER.node(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)))
}

/** Returns the path of a leaf by its recursive definition (RFC 6962, section 2.1.1). */
export function definedPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length < 2) return []
  const split = leftSize(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...definedPath(index, left), definedRoot(right)]
    : [...definedPath(index - split, right), definedRoot(left)]
}

function leftSize(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}
