import { createHmac, timingSafeEqual } from 'node:crypto'
import { AuditError } from '../base/errors.js'
import { LIMITS } from '../chain/limits.js'
import { uuidBytes, uuidText } from '../chain/uuid-bytes.js'
import type { PageOrder } from '../ports/query.js'

/** The last signed byte: a cursor continues only a list of its own order. */
const ORDERS: Readonly<Record<PageOrder, number>> = { ascending: 1, descending: 2 }
const SIGNED_BYTES = 16 + 8 + 1
const MAC_BYTES = 16

/** 41 bytes in base64url, without padding. */
export const CURSOR = /^[A-Za-z0-9_-]{55}$/

/**
 * Returns the cursor of src/chain/FORMAT.md: the chain `domainId`, the last returned `seq` and the order of the list, signed with the
 * 32 bytes of the cursor key.
 */
export function encodeCursor(
  key: Uint8Array,
  domainId: string,
  seq: number,
  order: PageOrder = 'ascending',
): string {
  if (!isSeq(seq)) throw new RangeError('expected a seq of 1 to 2^53-1')
  const signed = Buffer.alloc(SIGNED_BYTES)
  signed.set(uuidBytes(domainId))
  signed.writeBigUInt64BE(BigInt(seq), 16)
  signed.writeUInt8(ORDERS[order], 24)
  return Buffer.concat([signed, macOf(key, signed)]).toString('base64url')
}

/**
 * Returns the seq of a cursor of this chain and order. Throws the same `invalid_cursor` for every fault, so that a forger learns nothing.
 */
export function decodeCursor(
  key: Uint8Array,
  domainId: string,
  cursor: string,
  order: PageOrder = 'ascending',
): number {
  const bytes = bytesOf(cursor)
  const signed = bytes.subarray(0, SIGNED_BYTES)
  const authentic = timingSafeEqual(bytes.subarray(SIGNED_BYTES), macOf(key, signed))
  const seq = Number(signed.readBigUInt64BE(16))
  const ours =
    signed.readUInt8(24) === ORDERS[order] && uuidText(signed.subarray(0, 16)) === domainId.toLowerCase()
  if (!authentic || !ours || !isSeq(seq)) throw invalidCursor()
  return seq
}

/** Decodes strictly: Buffer.from skips characters outside base64url and ignores spare bits, so two texts could be one cursor. */
function bytesOf(cursor: string): Buffer {
  if (!CURSOR.test(cursor)) throw invalidCursor()
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.toString('base64url') !== cursor) throw invalidCursor()
  return bytes
}

function macOf(key: Uint8Array, signed: Uint8Array): Uint8Array {
  if (key.length !== 32) throw new RangeError(`expected a cursor key of 32 bytes, got ${key.length}`)
  return createHmac('sha256', key).update(signed).digest().subarray(0, MAC_BYTES)
}

function isSeq(seq: number): boolean {
  return Number.isInteger(seq) && seq >= 1 && seq <= LIMITS.maxSeq
}

function invalidCursor(): AuditError {
  return new AuditError('invalid_cursor', 'the cursor is not a cursor of this chain, or was altered', {
    advice: { code: 'start_without_cursor' },
  })
}
