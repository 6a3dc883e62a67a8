import { isHash } from '../hash.js'
import { decodeBase64 } from '../note/base64.js'
import { parseDecimal } from '../note/decimal.js'
import { isEd25519Key } from '../note/ed25519-key.js'
import { isChainId } from '../uuid.js'
import { parseIncarnation } from './origin.js'

/** A chain in one of its incarnations. */
export interface ChainRef {
  readonly domainId: string
  readonly incarnation: number
}

/** `key:`: from this size on, this public key signs the heads of the chain. */
export interface KeyItem extends ChainRef {
  /** The key signs sizes above this one; 0 for the first key of a chain. */
  readonly fromSize: number
  readonly publicKey: Uint8Array
}

/** `head:`: the chain had this root and this last entry_hash at this size. */
export interface HeadItem extends ChainRef {
  readonly size: number
  readonly root: string
  readonly entryHash: string
}

/** `rows:`: rows without data in the tree, both ends included. */
export interface RowsItem {
  readonly from: number
  readonly to: number
}

/** `sig:`: an Ed25519 signature over the items before it. */
export interface SigItem {
  readonly keyId: string
  readonly signature: Uint8Array
}

const KEY_ID = /^[0-9a-f]{8}$/
const SIGNATURE_BYTES = 64

/** Each reader takes what follows the word and the colon of an item, and returns undefined where it is no such item. */
export function readKey(text: string): KeyItem | undefined {
  const [domainId = '', incarnation = '', from = '', encoded = '', ...more] = text.split(':')
  const chain = readChainRef(domainId, incarnation)
  const [fromSize, publicKey] = [parseDecimal(from, 0), decodeKey(encoded)]
  if (chain === undefined || fromSize === undefined || publicKey === undefined || more.length > 0)
    return undefined
  return { ...chain, fromSize, publicKey }
}

export function readHead(text: string): HeadItem | undefined {
  const [domainId = '', incarnation = '', digits = '', root = '', entryHash = '', ...more] = text.split(':')
  const [chain, size] = [readChainRef(domainId, incarnation), parseDecimal(digits, 1)]
  if (chain === undefined || size === undefined || more.length > 0) return undefined
  return isHash(root) && isHash(entryHash) ? { ...chain, size, root, entryHash } : undefined
}

export function readChain(text: string): ChainRef | undefined {
  const [domainId = '', incarnation = '', ...more] = text.split(':')
  return more.length > 0 ? undefined : readChainRef(domainId, incarnation)
}

export function readRows(text: string): RowsItem | undefined {
  const [first = '', last = '', ...more] = text.split('-')
  const [from, to] = [parseDecimal(first, 1), parseDecimal(last, 1)]
  if (from === undefined || to === undefined || from > to || more.length > 0) return undefined
  return { from, to }
}

export function readReplaces(text: string): Uint8Array | undefined {
  return decodeKey(text)
}

export function readSig(text: string): SigItem | undefined {
  const [keyId = '', encoded = '', ...more] = text.split(':')
  const signature = decodeBase64(encoded)
  if (!KEY_ID.test(keyId) || signature?.length !== SIGNATURE_BYTES || more.length > 0) return undefined
  return { keyId, signature }
}

export function isSameChain(one: ChainRef, other: ChainRef): boolean {
  return one.domainId === other.domainId && one.incarnation === other.incarnation
}

/** Returns whether chains ascend by id and incarnation, so that each occurs once. */
export function areAscending(chains: readonly ChainRef[]): boolean {
  return chains.every((chain, at) => {
    const before = chains[at - 1]
    if (before === undefined || before.domainId < chain.domainId) return true
    return before.domainId === chain.domainId && before.incarnation < chain.incarnation
  })
}

function readChainRef(domainId: string, digits: string): ChainRef | undefined {
  const incarnation = parseIncarnation(digits)
  return isChainId(domainId) && incarnation !== undefined ? { domainId, incarnation } : undefined
}

function decodeKey(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text)
  return bytes !== undefined && isEd25519Key(bytes) ? bytes : undefined
}
