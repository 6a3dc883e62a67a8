import { bufferOf } from '../../base/buffer-of.js'
import { putU32 } from '../../chain/big-endian.js'
import {
  DOMAIN_ID_BYTES,
  HASH_BYTES,
  LENGTH_BYTES,
  MAGIC_BYTES,
  PSEUDONYM_BYTES,
  RECORDED_AT_BYTES,
  SEQ_BYTES,
} from '../../chain/layout.js'

/** `PGCOPY\n\xff\r\n\0`, no flags, no header extension (PostgreSQL manual, COPY, "Binary Format"). */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const COLUMNS = 13

const TEXT_OID = 25
/** Microseconds from 1970-01-01 to 2000-01-01, the epoch of a timestamptz on the wire. */
const EPOCH_2000 = 946_684_800_000_000n

/** The most bytes that a row on the wire has beyond its canonical bytes: lengths, array headers, two hashes. */
const OVERHEAD = 256
const START_CAPACITY = 64 * 1024

/**
 * Builds the binary COPY format from canonical bytes: the inverse of CopyRows. The columns are domain_id, seq,
 * subject_pseudonym, relation, object, reason, relation_path, caveat_context, correlation_id, zedtoken, recorded_at,
 * prev_hash, entry_hash.
 */
export class CopyWriter {
  #out = Buffer.allocUnsafe(START_CAPACITY)
  #size = HEADER.copy(this.#out)
  /** The canonical bytes of the current row. */
  #from: Buffer = HEADER
  /** The position in these bytes. */
  #at = 0

  /** Adds a row. `canonical` must be complete and valid; the hashes are 64 hex digits. */
  row(canonical: Uint8Array, prevHash: string, entryHash: string): void {
    this.#reserve(canonical.length + OVERHEAD)
    this.#from = bufferOf(canonical)
    this.#at = MAGIC_BYTES
    this.#int16(COLUMNS)
    this.#fixed(DOMAIN_ID_BYTES)
    this.#fixed(SEQ_BYTES)
    this.#fixed(PSEUDONYM_BYTES)
    this.#text()
    this.#text()
    this.#reason()
    this.#array()
    this.#array()
    this.#text()
    this.#text()
    this.#time()
    this.#hash(prevHash)
    this.#hash(entryHash)
  }

  /** The number of bytes that were written and not taken. */
  get size(): number {
    return this.#size
  }

  /** Returns the bytes that were written since the last call. */
  take(): Buffer {
    const taken = this.#out.subarray(0, this.#size)
    this.#out = Buffer.allocUnsafe(START_CAPACITY)
    this.#size = 0
    return taken
  }

  /** Returns the remaining bytes with the trailer of the format. */
  end(): Buffer {
    this.#reserve(2)
    this.#int16(-1)
    return this.take()
  }

  #fixed(length: number): void {
    this.#int32(length)
    this.#copy(length)
  }

  /** Copies a text with its length, which has the same form in both layouts. */
  #text(): void {
    this.#copy(LENGTH_BYTES + this.#from.readUInt32BE(this.#at))
  }

  #reason(): void {
    this.#int32(2)
    this.#int16(this.#from[this.#at++] ?? 0)
  }

  /** Writes ndim, has-null flag, element type, size and lower bound of the one dimension, and the elements. */
  #array(): void {
    const count = this.#from.readUInt32BE(this.#at)
    const lengthAt = this.#size
    this.#at += LENGTH_BYTES
    this.#size += 4
    this.#int32(count === 0 ? 0 : 1)
    this.#int32(0)
    this.#int32(TEXT_OID)
    if (count > 0) {
      this.#int32(count)
      this.#int32(1)
    }
    for (let i = 0; i < count; i += 1) this.#text()
    this.#out.writeInt32BE(this.#size - lengthAt - 4, lengthAt)
  }

  #time(): void {
    this.#int32(RECORDED_AT_BYTES)
    this.#out.writeBigInt64BE(this.#from.readBigInt64BE(this.#at) - EPOCH_2000, this.#size)
    this.#size += RECORDED_AT_BYTES
  }

  #hash(hex: string): void {
    this.#int32(HASH_BYTES)
    this.#size += this.#out.write(hex, this.#size, HASH_BYTES, 'hex')
  }

  /** Copies short fields with a loop: a call of Buffer.copy costs as much as a hundred bytes. */
  #copy(length: number): void {
    const from = this.#from
    const out = this.#out
    if (length > 256) from.copy(out, this.#size, this.#at, this.#at + length)
    else for (let i = 0; i < length; i += 1) out[this.#size + i] = from[this.#at + i] as number
    this.#at += length
    this.#size += length
  }

  #int16(value: number): void {
    this.#out[this.#size++] = value >>> 8
    this.#out[this.#size++] = value
  }

  #int32(value: number): void {
    putU32(this.#out, this.#size, value)
    this.#size += 4
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#out.length) return
    const grown = Buffer.allocUnsafe(2 * (this.#size + more))
    this.#out.copy(grown, 0, 0, this.#size)
    this.#out = grown
  }
}
