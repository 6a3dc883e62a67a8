import { concatBytes } from '@noble/hashes/utils.js'
import { HASH_BYTES } from '../layout.js'
import { utf8 } from '../limits.js'

/** What the `extra` line of a proof says about its leaf. It proves nothing by itself. */
export type LeafExtra =
  | { readonly kind: 'row'; readonly prevHash: Uint8Array; readonly canonical: Uint8Array }
  | { readonly kind: 'leaf'; readonly entryHash: Uint8Array }

const ROW = utf8('PXA1-row')
const LEAF = utf8('PXA1-leaf')

export function leafExtraBytes(extra: LeafExtra): Uint8Array {
  return extra.kind === 'row'
    ? concatBytes(ROW, extra.prevHash, extra.canonical)
    : concatBytes(LEAF, extra.entryHash)
}

/** Reads the extra data of a proof. Undefined where another application wrote it. */
export function parseLeafExtra(bytes: Uint8Array): LeafExtra | 'malformed' | undefined {
  const row = after(ROW, bytes)
  if (row !== undefined) {
    const [prevHash, canonical] = [row.subarray(0, HASH_BYTES), row.subarray(HASH_BYTES)]
    return canonical.length > 0 ? { kind: 'row', prevHash, canonical } : 'malformed'
  }
  const entryHash = after(LEAF, bytes)
  if (entryHash === undefined) return undefined
  return entryHash.length === HASH_BYTES ? { kind: 'leaf', entryHash } : 'malformed'
}

function after(prefix: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  return prefix.every((byte, at) => bytes[at] === byte) ? bytes.subarray(prefix.length) : undefined
}
