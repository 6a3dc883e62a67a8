import { encodeBase64 } from '../note/base64.js'
import type { KeyItem } from './row-items.js'

/** A key of one chain, and the sizes that it signs. */
export interface KeyRange {
  readonly publicKey: Uint8Array
  /** The key signs the sizes above this one. */
  readonly fromSize: number
  /** The key signs the sizes up to this one; absent for the last key of a chain. */
  readonly lastSize?: number | undefined
}

/**
 * Returns the ranges of the keys of one chain, in the order of their sizes. A key that several rows name counts once. Keys from one
 * size on have one range, because rows have no order that could say which of them comes first.
 */
export function keyRanges(keys: readonly Pick<KeyItem, 'fromSize' | 'publicKey'>[]): readonly KeyRange[] {
  const distinct = new Map(keys.map((key) => [`${key.fromSize}:${encodeBase64(key.publicKey)}`, key]))
  const sorted = [...distinct.values()].sort((one, other) => one.fromSize - other.fromSize)
  return sorted.map(({ fromSize, publicKey }) => {
    const lastSize = sorted.find((next) => next.fromSize > fromSize)?.fromSize
    return { publicKey, fromSize, ...(lastSize !== undefined && { lastSize }) }
  })
}

/** Returns whether a key may sign a head of this size. */
export function isInRange(
  { fromSize, lastSize = Number.POSITIVE_INFINITY }: KeyRange,
  size: number,
): boolean {
  return size > fromSize && size <= lastSize
}
