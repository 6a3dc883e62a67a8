import { CopiedRows } from '../../base/copied-rows.js'
import { RecentPlaces } from '../../base/recent-places.js'
import { viewOf } from '../../chain/big-endian.js'
import type { ByteRow, RowTaker } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import {
  DOMAIN_ID_AT,
  HASH_BYTES,
  MAGIC,
  PSEUDONYM_BYTES,
  RECORDED_AT_BYTES,
  SEQ_AT,
  SEQ_BYTES,
} from '../../chain/layout.js'
import { uuidBytes } from '../../chain/uuid-bytes.js'
import { isInfinite, isPlainArray, OddRow } from './odd-row.js'

/** The columns that {@link CopyRows} expects, in this order. */
export const COPY_COLUMNS =
  'seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context, ' +
  'correlation_id, zedtoken, recorded_at, generation, prev_hash, entry_hash'

/** The wire's length before each field. */
const LENGTH = 4

/** Offsets in a row of plain widths: of seq, of subject_pseudonym, and of the length of relation. */
const SEQ_VALUE = 2 + LENGTH
const PSEUDONYM_VALUE = SEQ_VALUE + SEQ_BYTES + LENGTH
const BEFORE_TEXTS = PSEUDONYM_VALUE + PSEUDONYM_BYTES
/** The bytes of reason with its length. */
const REASON_BYTES = LENGTH + 2
/** Offsets from recorded_at: of the lengths of generation, prev_hash and entry_hash, and of the row's end. */
const GENERATION_LENGTH = LENGTH + RECORDED_AT_BYTES
const PREV_LENGTH = GENERATION_LENGTH + LENGTH + 2
const ENTRY_LENGTH = PREV_LENGTH + LENGTH + HASH_BYTES
const AFTER_TEXTS = ENTRY_LENGTH + LENGTH + HASH_BYTES

/** `PGCOPY\n\xff\r\n\0`, flags, length of the header extension. */
const SIGNATURE_BYTES = 11
const FILE_HEADER = SIGNATURE_BYTES + 8

/** Microseconds from 1970-01-01 to 2000-01-01, the epoch of a timestamptz on the wire, as two 32-bit halves. */
const EPOCH_HIGH = 0x0003_5d01
const EPOCH_LOW = 0x3b37_e000

/** Enough for a row with two full arrays and every text at its limit. No row that this program writes is longer. */
const START_CAPACITY = 64 * 1024

/** Views of the scratch buffer up to this length are cached: making one costs a tenth of the time of a row. */
const KEPT_VIEWS = 1024

const PREFIX = SEQ_AT

/** Fields are copied four bytes at a time. A copy may write this many bytes too many, which the next copy overwrites. */
const OVERSHOOT = 3

/** An offset behind the end of any row. */
const NOWHERE = 2 ** 40

/**
 * Turns the binary COPY stream of one chain into rows with canonical bytes by splicing buffers: the canonical layout has
 * the widths of the wire. Makes no strings. The row and its bytes are reused for the next row.
 */
export class CopyRows implements ByteRow {
  readonly #domainId: string
  readonly #taker: RowTaker
  readonly #odd: OddRow
  #scratch = Buffer.allocUnsafe(START_CAPACITY)
  /** A view of the scratch buffer. A DataView reads four bytes as fast as an array reads one. */
  #out = viewOf(this.#scratch)
  /** A view of the bytes that are being read. */
  #in = viewOf(Buffer.alloc(0))
  #views: Uint8Array[] = []
  #size = 0
  #carry: Buffer | undefined
  #headerSeen = false
  readonly #recent = new RecentPlaces()
  /** Reads the last rows again. It is kept, because its buffer costs more than the rows. */
  #again: CopyRows | undefined
  readonly #copied = new CopiedRows()
  /** The rows that the taker got so far. */
  count = 0
  seq = 0
  bytes: Buffer = Buffer.alloc(0)
  prevAt = 0
  entryAt = 0

  constructor(domainId: string, taker: RowTaker) {
    this.#domainId = domainId
    this.#taker = taker
    this.#odd = new OddRow(domainId)
    this.#scratch.set(MAGIC, 0)
    this.#scratch.set(uuidBytes(domainId), DOMAIN_ID_AT)
  }

  /** Takes bytes `from` to `to` of the stream. A row may begin in one call and end in another. */
  push(bytes: Buffer, from: number, to: number): void {
    if (this.#carry === undefined) {
      this.#consume(bytes, from, to)
      return
    }
    const whole = Buffer.concat([this.#carry, bytes.subarray(from, to)])
    this.#carry = undefined
    this.#consume(whole, 0, whole.length)
  }

  /** Returns the last rows that the taker got, oldest first. Their bytes are their own. */
  recent(): StoredRow[] {
    this.#again ??= new CopyRows(this.#domainId, this.#copied)
    this.#again.#headerSeen = true
    for (const { bytes, from, to } of this.#recent.inOrder) this.#again.push(bytes, from, to)
    return this.#copied.take()
  }

  get canonical(): Uint8Array {
    const size = this.#size
    if (size >= KEPT_VIEWS) return this.#scratch.subarray(0, size)
    this.#views[size] ??= this.#scratch.subarray(0, size)
    return this.#views[size]
  }

  stored(): StoredRow {
    const { seq, bytes, prevAt, entryAt } = this
    const prevHash = bytes.toString('hex', prevAt, prevAt + HASH_BYTES)
    return {
      seq,
      canonical: this.canonical,
      prevHash,
      entryHash: bytes.toString('hex', entryAt, entryAt + HASH_BYTES),
    }
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.#in = viewOf(bytes)
    }
    let at = from
    if (!this.#headerSeen) {
      if (to - at < FILE_HEADER) {
        this.#keep(bytes, at, to)
        return
      }
      at += FILE_HEADER + this.#in.getInt32(at + FILE_HEADER - 4)
      this.#headerSeen = true
    }
    while (to - at >= 2 && !isTrailer(bytes, at)) {
      const end = this.#pass(bytes, at, to)
      if (end < 0) break
      at = end
    }
    if (at < to) this.#keep(bytes, at, to)
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (from < to) this.#carry = Buffer.from(bytes.subarray(from, to))
  }

  /** Passes the row at `at` to the taker. Returns the end of the row, or -1 if it is still incomplete. */
  #pass(bytes: Buffer, at: number, to: number): number {
    const end = this.#splice(bytes, at, to)
    if (end > 0) {
      this.count += 1
      this.#taker.add(this)
      this.#recent.note(bytes, at, end)
      return end
    }
    const oddEnd = this.#odd.locate(bytes, at, to)
    if (oddEnd < 0) return -1
    this.count += 1
    this.#taker.addStored(this.#odd.stored(bytes))
    this.#recent.note(bytes, at, oddEnd)
    return oddEnd
  }

  /**
   * Writes the canonical bytes of the row at `at` to the scratch buffer. Returns the end of the row, or -1 if the row has
   * no canonical bytes or is incomplete. Copies nothing before every length is known to end within the row.
   */
  #splice(bytes: Buffer, at: number, to: number): number {
    const view = this.#in
    const relation = at + BEFORE_TEXTS
    const reason = after(view, after(view, relation))
    const path = reason + REASON_BYTES
    const caveats = after(view, path)
    const correlation = after(view, caveats)
    const recorded = after(view, after(view, correlation))
    const end = recorded + AFTER_TEXTS
    if (end > to || !isPlain(view, at, reason, recorded)) return -1
    this.#begin(at, end)
    // Two neighbouring texts with their lengths have the same bytes on the wire as in the canonical layout.
    this.#copy(at + PSEUDONYM_VALUE, PSEUDONYM_BYTES)
    this.#copy(relation, reason - relation)
    this.#scratch[this.#size++] = bytes[reason + 5] ?? 0
    if (!this.#list(path, caveats) || !this.#list(caveats, correlation)) return -1
    this.#copy(correlation, recorded - correlation)
    return this.#recordedAt(recorded + 4) ? end : -1
  }

  /** Writes seq behind the prefix, and locates the hashes. Canonical bytes are never longer than prefix and row. */
  #begin(at: number, end: number): void {
    this.#reserve(PREFIX + end - at + OVERSHOOT)
    this.#size = PREFIX
    this.#copy(at + SEQ_VALUE, SEQ_BYTES)
    this.seq = this.#in.getInt32(at + SEQ_VALUE) * 0x1_0000_0000 + this.#in.getUint32(at + SEQ_VALUE + 4)
    this.prevAt = end - HASH_BYTES - LENGTH - HASH_BYTES
    this.entryAt = end - HASH_BYTES
  }

  /**
   * Writes an array of the wire (ndim, has-null flag, element type, size and lower bound of each dimension, elements) as
   * a list. Returns false if the array has no canonical form.
   */
  #list(at: number, end: number): boolean {
    const isEmpty = end - at === 16
    if (!isEmpty && !isPlainArray(this.bytes, at + 4, end)) return false
    if (isEmpty && this.#in.getInt32(at + 4) !== 0) return false
    this.#out.setInt32(this.#size, isEmpty ? 0 : this.#in.getInt32(at + 16))
    this.#size += 4
    if (!isEmpty) this.#copy(at + 24, end - at - 24)
    return true
  }

  /** Reads microseconds since 2000, and writes microseconds since 1970. Returns false for an infinite time. */
  #recordedAt(at: number): boolean {
    const high = this.#in.getInt32(at)
    const low = this.#in.getUint32(at + 4)
    if (isInfinite(high, low)) return false
    const sum = low + EPOCH_LOW
    const carry = sum > 0xffff_ffff ? 1 : 0
    this.#out.setInt32(this.#size, high + EPOCH_HIGH + carry)
    this.#out.setUint32(this.#size + 4, sum)
    this.#size += RECORDED_AT_BYTES
    return true
  }

  /**
   * Copies short fields with a loop: a call of Buffer.copy costs as much as 400 bytes. The loop may read past the field,
   * because every field has other fields behind it.
   */
  #copy(from: number, length: number): void {
    const size = this.#size
    this.#size = size + length
    if (length > 1024) {
      this.bytes.copy(this.#scratch, size, from, from + length)
      return
    }
    const [source, out] = [this.#in, this.#out]
    for (let i = 0; i < length; i += 4) out.setInt32(size + i, source.getInt32(from + i))
  }

  #reserve(needed: number): void {
    if (needed <= this.#scratch.length) return
    const grown = Buffer.allocUnsafe(needed * 2)
    this.#scratch.copy(grown, 0, 0, PREFIX)
    this.#scratch = grown
    this.#out = viewOf(grown)
    this.#views = []
  }
}

/** Returns the beginning of the field after the field at `at`. */
function after(view: DataView, at: number): number {
  const length = at + 4 > view.byteLength ? -1 : view.getInt32(at)
  return length < 0 ? NOWHERE : at + 4 + length
}

/** Returns whether the fields of fixed width have that width, generation is 1, reason is a byte, and seq is exact. */
function isPlain(view: DataView, at: number, reason: number, recorded: number): boolean {
  return (
    view.getUint8(at + 1) === 13 &&
    view.getInt32(at + SEQ_VALUE - LENGTH) === SEQ_BYTES &&
    (view.getInt32(at + SEQ_VALUE) & 0xffe0_0000) === 0 &&
    view.getInt32(at + PSEUDONYM_VALUE - LENGTH) === PSEUDONYM_BYTES &&
    view.getInt32(reason) === 2 &&
    view.getUint8(reason + LENGTH) === 0 &&
    view.getInt32(recorded) === RECORDED_AT_BYTES &&
    view.getInt32(recorded + GENERATION_LENGTH) === 2 &&
    view.getInt16(recorded + GENERATION_LENGTH + LENGTH) === 1 &&
    view.getInt32(recorded + PREV_LENGTH) === HASH_BYTES &&
    view.getInt32(recorded + ENTRY_LENGTH) === HASH_BYTES
  )
}

function isTrailer(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xff && bytes[at + 1] === 0xff
}
