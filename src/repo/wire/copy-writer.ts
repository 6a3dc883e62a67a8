import { int32, putU32, viewOf } from '../../chain/big-endian.js'
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

/** Its length, no dimension, no NULL, the type of its elements. */
const EMPTY_ARRAY = Buffer.from('0000000c000000000000000000000019', 'hex')

/** The most bytes that a row on the wire has beyond its canonical bytes: lengths, array headers, two hashes. */
const OVERHEAD = 256
const START_CAPACITY = 64 * 1024

/** The bytes of the columns before relation. */
const FIXED_COLUMNS = [DOMAIN_ID_BYTES, SEQ_BYTES, PSEUDONYM_BYTES]

/**
 * Builds the binary COPY format from canonical bytes: the inverse of CopyRows. The columns are domain_id, seq,
 * subject_pseudonym, relation, object, reason, relation_path, caveat_context, correlation_id, zedtoken, recorded_at,
 * prev_hash, entry_hash.
 */
export class CopyWriter {
  #out = Buffer.allocUnsafe(START_CAPACITY)
  #size = HEADER.copy(this.#out)
  /** The canonical bytes of the current row. */
  #from: Uint8Array = HEADER
  /** The position in these bytes. */
  #at = 0
  /** The entry_hash of the row before, which nearly every row has as its prev_hash. */
  #lastHash = ''
  readonly #lastHashBytes = Buffer.alloc(HASH_BYTES)
  readonly #time = new WireTime()

  /** Adds a row. `canonical` must be complete and valid; the hashes are 64 hex digits. */
  row(canonical: Uint8Array, prevHash: string, entryHash: string): void {
    this.#reserve(canonical.length + OVERHEAD)
    this.#from = canonical
    this.#at = MAGIC_BYTES
    this.#int16(COLUMNS)
    for (const length of FIXED_COLUMNS) {
      this.#int32(length)
      this.#copy(length)
    }
    this.#texts()
    this.#reason()
    this.#array()
    this.#array()
    this.#texts()
    this.#int32(RECORDED_AT_BYTES)
    this.#bytes(this.#time.of(canonical, this.#at))
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

  /** Copies two texts with their lengths, which have the same form in both layouts. */
  #texts(): void {
    const second = LENGTH_BYTES + int32(this.#from, this.#at)
    this.#copy(second + LENGTH_BYTES + int32(this.#from, this.#at + second))
  }

  #reason(): void {
    this.#int32(2)
    this.#int16(this.#from[this.#at++] ?? 0)
  }

  /** Writes ndim, has-null flag, element type, size and lower bound of the one dimension, and the elements. */
  #array(): void {
    const count = int32(this.#from, this.#at)
    this.#at += LENGTH_BYTES
    if (count === 0) {
      this.#bytes(EMPTY_ARRAY)
      return
    }
    const lengthAt = this.#size
    this.#size += 4
    for (const value of [1, 0, TEXT_OID, count, 1]) this.#int32(value)
    for (let i = 0; i < count; i += 1) this.#copy(LENGTH_BYTES + int32(this.#from, this.#at))
    putU32(this.#out, lengthAt, this.#size - lengthAt - 4)
  }

  #hash(hex: string): void {
    this.#int32(HASH_BYTES)
    if (hex !== this.#lastHash) {
      this.#lastHashBytes.write(hex, 'hex')
      this.#lastHash = hex
    }
    this.#bytes(this.#lastHashBytes)
  }

  #bytes(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** Copies short fields with a loop: a call of Buffer.copy costs as much as a hundred bytes. */
  #copy(length: number): void {
    const from = this.#from
    const at = this.#at
    const out = this.#out
    const size = this.#size
    if (length > 256) out.set(from.subarray(at, at + length), size)
    else for (let i = 0; i < length; i += 1) out[size + i] = from[at + i] as number
    this.#at = at + length
    this.#size = size + length
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

/** Converts recorded_at of canonical bytes to a timestamptz, and keeps the last result: most rows have the time of the row before. */
class WireTime {
  #micros = new Uint8Array(RECORDED_AT_BYTES)
  readonly #wire = new Uint8Array(RECORDED_AT_BYTES)

  constructor() {
    this.#convert()
  }

  of(canonical: Uint8Array, at: number): Uint8Array {
    const isKnown =
      int32(canonical, at) === int32(this.#micros, 0) && int32(canonical, at + 4) === int32(this.#micros, 4)
    if (isKnown) return this.#wire
    this.#micros = canonical.slice(at, at + RECORDED_AT_BYTES)
    this.#convert()
    return this.#wire
  }

  #convert(): void {
    viewOf(this.#wire).setBigInt64(0, viewOf(this.#micros).getBigInt64(0) - EPOCH_2000)
  }
}
