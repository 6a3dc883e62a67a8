import { hash } from 'node:crypto'
import { type TreeHasher, treeHasher } from '../../chain/tree/tree-hash.js'

/** The hashes of a Merkle tree by OpenSSL. */
export const nodeTreeHasher: TreeHasher = treeHasher((bytes) => hash('sha256', bytes, 'buffer'))
