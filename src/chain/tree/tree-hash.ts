/** Returns the SHA-256 of some bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** The hashes of a Merkle tree (RFC 6962, section 2.1), 32 bytes each. The first byte keeps a leaf from passing as a node. */
export interface TreeHasher {
  /** Returns sha256(0x00 ‖ data). */
  leaf(data: Uint8Array): Uint8Array
  /** Returns sha256(0x01 ‖ left ‖ right). */
  node(left: Uint8Array, right: Uint8Array): Uint8Array
  /** Returns the root over the hashes of a full tile, 8,192 bytes. Absent where it takes as long as the nodes one by one. */
  readonly tile?: ((hashes: Uint8Array) => Uint8Array) | undefined
}

const LEAF = 0
const NODE = 1
const EMPTY = new Uint8Array()

export function treeHasher(sha256: Sha256): TreeHasher {
  return {
    leaf: (data) => sha256(prefixed(LEAF, data)),
    node: (left, right) => sha256(prefixed(NODE, left, right)),
  }
}

function prefixed(prefix: number, first: Uint8Array, second: Uint8Array = EMPTY): Uint8Array {
  const bytes = new Uint8Array(1 + first.length + second.length)
  bytes[0] = prefix
  bytes.set(first, 1)
  bytes.set(second, 1 + first.length)
  return bytes
}
