import { MAGIC } from '../chain/canonical.js'
import type { StoredRow } from '../chain/fold.js'
import { LIMITS } from '../chain/limits.js'
import { uuidBytes } from '../chain/uuid.js'

/** The columns that {@link CopyRows} expects, in this order. */
export const COPY_COLUMNS =
  'seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context, ' +
  'correlation_id, zedtoken, recorded_at, generation, prev_hash, entry_hash'

const FIELDS = 13
const SEQ = 0
const SUBJECT = 1
const RELATION = 2
const OBJECT = 3
const REASON = 4
const PATH = 5
const CAVEATS = 6
const CORRELATION = 7
const ZEDTOKEN = 8
const RECORDED = 9
const GENERATION = 10
const PREV = 11
const ENTRY = 12

/** `PGCOPY\n\xff\r\n\0`, flags, length of the header extension. */
const SIGNATURE_BYTES = 11
const FILE_HEADER = SIGNATURE_BYTES + 8

/** Microseconds from 1970-01-01 to 2000-01-01, the epoch of a timestamptz on the wire, as two 32-bit halves. */
const EPOCH_HIGH = 0x0003_5d01
const EPOCH_LOW = 0x3b37_e000

/** A row may hold two full arrays and every text at its limit; anything longer is no row of ours. */
const START_CAPACITY = 64 * 1024

/**
 * Turns the binary COPY stream of one chain into rows with canonical bytes by splicing buffers (format.md: the widths
 * are those of the wire). No string is decoded but the two hashes. The canonical bytes live in a buffer that the next
 * row overwrites.
 */
export class CopyRows {
  readonly #onRow: (row: StoredRow) => void
  readonly #start = new Int32Array(FIELDS)
  readonly #length = new Int32Array(FIELDS)
  #scratch = Buffer.allocUnsafe(START_CAPACITY)
  #size = 0
  /** entry_hash of the row before. */
  readonly #entryBytes = new Uint8Array(32)
  #entryText: string | undefined
  #carry: Buffer | undefined
  #headerSeen = false

  constructor(domainId: string, onRow: (row: StoredRow) => void) {
    this.#onRow = onRow
    this.#scratch.set(MAGIC, 0)
    this.#scratch.set(uuidBytes(domainId), MAGIC.length)
  }

  /** Bytes `from` to `to` of the stream; a row may begin in one call and end in another. */
  push(bytes: Buffer, from: number, to: number): void {
    if (this.#carry === undefined) {
      this.#consume(bytes, from, to)
      return
    }
    const whole = Buffer.concat([this.#carry, bytes.subarray(from, to)])
    this.#carry = undefined
    this.#consume(whole, 0, whole.length)
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    let at = from
    if (!this.#headerSeen) {
      if (to - at < FILE_HEADER) {
        this.#keep(bytes, at, to)
        return
      }
      at += FILE_HEADER + bytes.readUInt32BE(at + FILE_HEADER - 4)
      this.#headerSeen = true
    }
    while (to - at >= 2 && bytes.readInt16BE(at) !== -1) {
      const end = this.#locate(bytes, at, to)
      if (end < 0) break
      this.#onRow(this.#row(bytes))
      at = end
    }
    if (at < to) this.#keep(bytes, at, to)
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (from < to) this.#carry = Buffer.from(bytes.subarray(from, to))
  }

  /** Finds where each field of the row at `at` lies; returns the row's end, or -1 if it is not all there yet. */
  #locate(bytes: Buffer, at: number, to: number): number {
    let next = at + 2
    for (let field = 0; field < FIELDS; field += 1) {
      if (next + 4 > to) return -1
      const length = bytes.readInt32BE(next)
      this.#start[field] = next + 4
      this.#length[field] = length
      next += 4 + Math.max(length, 0)
    }
    return next > to ? -1 : next
  }

  #row(bytes: Buffer): StoredRow {
    const seq = this.#seq(bytes)
    const prevHash = this.#isLinked(bytes) ? this.#entryText : this.#hash(bytes, PREV)
    const entryHash = this.#hash(bytes, ENTRY)
    this.#rememberEntry(bytes, entryHash)
    const generation = this.#generation(bytes)
    if (generation !== 1 && generation !== undefined) {
      return { seq, unknownGeneration: generation, prevHash, entryHash }
    }
    const problem = generation === undefined ? 'generation is NULL' : this.#splice(bytes)
    if (problem !== undefined) return { seq, problem, prevHash, entryHash }
    return { seq, canonical: this.#scratch.subarray(0, this.#size), prevHash, entryHash }
  }

  /** Writes the canonical bytes of the located row to the scratch buffer, or says why the row has none. */
  #splice(bytes: Buffer): string | undefined {
    const problem = this.#columnProblem(bytes)
    if (problem !== undefined) return problem
    this.#reserve()
    this.#size = MAGIC.length + 16
    this.#copy(bytes, this.#at(SEQ), 8)
    this.#copy(bytes, this.#at(SUBJECT), 32)
    // Length and bytes of two neighbouring texts stand on the wire as they stand in the canonical bytes.
    this.#copy(bytes, this.#at(RELATION) - 4, this.#end(OBJECT) - this.#at(RELATION) + 4)
    this.#scratch[this.#size] = bytes[this.#at(REASON) + 1] ?? 0
    this.#size += 1
    const arrays = this.#array(bytes, PATH, 'relation_path') ?? this.#array(bytes, CAVEATS, 'caveat_context')
    if (arrays !== undefined) return arrays
    this.#copy(bytes, this.#at(CORRELATION) - 4, this.#end(ZEDTOKEN) - this.#at(CORRELATION) + 4)
    return this.#recordedAt(bytes)
  }

  #columnProblem(bytes: Buffer): string | undefined {
    for (let field = 0; field < FIELDS; field += 1) {
      if ((this.#length[field] ?? -1) < 0) return 'a column is NULL'
    }
    if (this.#length[SEQ] !== 8 || this.#length[RECORDED] !== 8 || this.#length[REASON] !== 2) {
      return 'a column is not of its type'
    }
    if (this.#length[SUBJECT] !== 32) return 'subject_pseudonym: expected 32 bytes'
    if (this.#length[PREV] !== 32 || this.#length[ENTRY] !== 32) return 'a hash is not 32 bytes'
    return bytes[this.#at(REASON)] === 0 ? undefined : 'reason: above 255'
  }

  /** An array of the wire (ndim, has-null flag, element type, per dimension size and lower bound, elements) as a list. */
  #array(bytes: Buffer, field: number, name: string): string | undefined {
    const at = this.#at(field)
    const length = this.#length[field] ?? 0
    const dimensions = length < 12 ? -1 : bytes.readInt32BE(at)
    if (dimensions === 0 && length === 12) {
      this.#count(0)
      return undefined
    }
    if (dimensions !== 1 || length < 20) return `${name}: not a one-dimensional array`
    if (bytes.readInt32BE(at + 16) !== 1) return `${name}: its lower bound is not 1`
    const count = bytes.readInt32BE(at + 12)
    if (count < 0 || hasNull(bytes, at + 20, at + length, count)) return `${name}: an element is NULL`
    this.#count(count)
    this.#copy(bytes, at + 20, length - 20)
    return undefined
  }

  #count(count: number): void {
    this.#scratch.writeUInt32BE(count, this.#size)
    this.#size += 4
  }

  #recordedAt(bytes: Buffer): string | undefined {
    const high = bytes.readInt32BE(this.#at(RECORDED))
    const low = bytes.readUInt32BE(this.#at(RECORDED) + 4)
    const isInfinite = (high === 0x7fff_ffff && low === 0xffff_ffff) || (high === -0x8000_0000 && low === 0)
    if (isInfinite) return 'recorded_at is infinite'
    const sum = low + EPOCH_LOW
    const carry = sum > 0xffff_ffff ? 1 : 0
    this.#scratch.writeUInt32BE((high + EPOCH_HIGH + carry) >>> 0, this.#size)
    this.#scratch.writeUInt32BE(sum >>> 0, this.#size + 4)
    this.#size += 8
    return undefined
  }

  #seq(bytes: Buffer): number {
    if (this.#length[SEQ] !== 8) return 0
    const seq = bytes.readInt32BE(this.#at(SEQ)) * 0x1_0000_0000 + bytes.readUInt32BE(this.#at(SEQ) + 4)
    return Number.isSafeInteger(seq) ? seq : LIMITS.maxSeq + 1
  }

  #generation(bytes: Buffer): number | undefined {
    return this.#length[GENERATION] === 2 ? bytes.readInt16BE(this.#at(GENERATION)) : undefined
  }

  /** Whether prev_hash is the entry_hash of the row before, as in an intact chain: then its text is there already. */
  #isLinked(bytes: Buffer): boolean {
    if (this.#length[PREV] !== 32 || this.#entryText === undefined) return false
    const at = this.#at(PREV)
    for (let i = 0; i < 32; i += 1) if (bytes[at + i] !== this.#entryBytes[i]) return false
    return true
  }

  #rememberEntry(bytes: Buffer, text: string | undefined): void {
    this.#entryText = text
    const at = this.#at(ENTRY)
    if (text !== undefined) for (let i = 0; i < 32; i += 1) this.#entryBytes[i] = bytes[at + i] as number
  }

  #hash(bytes: Buffer, field: number): string | undefined {
    if (this.#length[field] !== 32) return undefined
    return bytes.toString('hex', this.#at(field), this.#at(field) + 32)
  }

  #at(field: number): number {
    return this.#start[field] ?? 0
  }

  #end(field: number): number {
    return this.#at(field) + (this.#length[field] ?? 0)
  }

  /** By hand while it is short: a call of Buffer.copy costs as much as a hundred bytes. */
  #copy(bytes: Buffer, from: number, length: number): void {
    const scratch = this.#scratch
    const size = this.#size
    if (length > 256) bytes.copy(scratch, size, from, from + length)
    else for (let i = 0; i < length; i += 1) scratch[size + i] = bytes[from + i] as number
    this.#size = size + length
  }

  /** Canonical bytes are never longer than the row on the wire and the constant prefix. */
  #reserve(): void {
    const needed = MAGIC.length + 16 + this.#end(ENTRY) - this.#at(SEQ)
    if (needed <= this.#scratch.length) return
    const grown = Buffer.allocUnsafe(needed * 2)
    this.#scratch.copy(grown, 0, 0, MAGIC.length + 16)
    this.#scratch = grown
  }
}

/** Whether one of the `count` elements is NULL (length -1), or the elements do not fill the bytes exactly. */
function hasNull(bytes: Buffer, from: number, to: number, count: number): boolean {
  let at = from
  for (let i = 0; i < count; i += 1) {
    if (at + 4 > to) return true
    const length = bytes.readInt32BE(at)
    if (length < 0) return true
    at += 4 + length
  }
  return at !== to
}
