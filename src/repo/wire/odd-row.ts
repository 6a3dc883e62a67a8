import { nodeHasher } from '../../base/node-hasher.js'
import { int32 } from '../../chain/big-endian.js'
import type { StoredRow } from '../../chain/fold.js'
import { HASH_BYTES, PSEUDONYM_BYTES, RECORDED_AT_BYTES, SEQ_BYTES } from '../../chain/layout.js'
import { LIMITS } from '../../chain/limits.js'
import { oddFields } from './odd-fields.js'

const FIELDS = 13
const SEQ = 0
const SUBJECT = 1
const REASON = 4
const PATH = 5
const CAVEATS = 6
const RECORDED = 9
const GENERATION = 10
const PREV = 11
const ENTRY = 12

interface StoredHashes {
  readonly prevHash: string | undefined
  readonly entryHash: string | undefined
}

/** Explains why a row on the wire has no canonical bytes, and reads the fields that can still be read. */
export class OddRow {
  readonly #start = new Int32Array(FIELDS)
  readonly #length = new Int32Array(FIELDS)
  readonly #domainId: string
  #from = 0
  #to = 0

  constructor(domainId: string) {
    this.#domainId = domainId
  }

  /** Locates each field of the row at `at`. Returns the end of the row, or -1 if the row is still incomplete. */
  locate(bytes: Buffer, at: number, to: number): number {
    this.#from = at
    let next = at + 2
    for (let field = 0; field < FIELDS; field += 1) {
      if (next + 4 > to) return -1
      const length = int32(bytes, next)
      this.#start[field] = next + 4
      this.#length[field] = length
      next += 4 + Math.max(length, 0)
    }
    this.#to = next
    return next > to ? -1 : next
  }

  /** Returns the located row. */
  stored(bytes: Buffer): StoredRow {
    const seq = this.#seq(bytes)
    const hashes: StoredHashes = { prevHash: this.#hash(bytes, PREV), entryHash: this.#hash(bytes, ENTRY) }
    const generation = this.#generation(bytes)
    if (generation !== undefined && generation !== 1) return { seq, unknownGeneration: generation, ...hashes }
    const problem = generation === undefined ? 'generation is NULL' : this.#problem(bytes)
    const bytesHash = nodeHasher.canonical(bytes.subarray(this.#from, this.#to))
    const own = oddFields((column) => this.#column(bytes, column))
    const fields = { domain_id: this.#domainId, seq, ...own }
    return { seq, problem, bytesHash, fields, ...hashes }
  }

  #problem(bytes: Buffer): string {
    return (
      this.#columnProblem(bytes) ??
      this.#arrayProblem(bytes, PATH, 'relation_path') ??
      this.#arrayProblem(bytes, CAVEATS, 'caveat_context') ??
      this.#timeProblem(bytes) ??
      'seq: expected 1 to 2^53-1'
    )
  }

  #columnProblem(bytes: Buffer): string | undefined {
    for (let field = 0; field < FIELDS; field += 1) {
      if ((this.#length[field] ?? -1) < 0) return 'a column is NULL'
    }
    if (
      this.#length[SEQ] !== SEQ_BYTES ||
      this.#length[RECORDED] !== RECORDED_AT_BYTES ||
      this.#length[REASON] !== 2
    ) {
      return 'a column is not of its type'
    }
    if (this.#length[SUBJECT] !== PSEUDONYM_BYTES) return 'subject_pseudonym: expected 32 bytes'
    if (this.#length[PREV] !== HASH_BYTES || this.#length[ENTRY] !== HASH_BYTES)
      return 'a hash is not 32 bytes'
    return bytes[this.#at(REASON)] === 0 ? undefined : 'reason: above 255'
  }

  #arrayProblem(bytes: Buffer, field: number, name: string): string | undefined {
    const at = this.#at(field)
    const length = this.#length[field] ?? 0
    const dimensions = length < 12 ? -1 : int32(bytes, at)
    if (dimensions === 0 && length === 12) return undefined
    if (dimensions !== 1 || length < 20) return `${name}: not a one-dimensional array`
    if (int32(bytes, at + 16) !== 1) return `${name}: its lower bound is not 1`
    return isPlainArray(bytes, at, at + length) ? undefined : `${name}: an element is NULL`
  }

  #timeProblem(bytes: Buffer): string | undefined {
    const at = this.#at(RECORDED)
    return isInfinite(int32(bytes, at), int32(bytes, at + 4) >>> 0) ? 'recorded_at is infinite' : undefined
  }

  #seq(bytes: Buffer): number {
    if (this.#length[SEQ] !== SEQ_BYTES) return 0
    const at = this.#at(SEQ)
    const seq = int32(bytes, at) * 0x1_0000_0000 + (int32(bytes, at + 4) >>> 0)
    return Number.isSafeInteger(seq) ? seq : Math.sign(seq) * (LIMITS.maxSeq + 1)
  }

  #generation(bytes: Buffer): number | undefined {
    return this.#length[GENERATION] === 2 ? bytes.readInt16BE(this.#at(GENERATION)) : undefined
  }

  #hash(bytes: Buffer, field: number): string | undefined {
    if (this.#length[field] !== HASH_BYTES) return undefined
    return bytes.toString('hex', this.#at(field), this.#at(field) + HASH_BYTES)
  }

  #column(bytes: Buffer, field: number): Buffer | undefined {
    const length = this.#length[field] ?? -1
    return length < 0 ? undefined : bytes.subarray(this.#at(field), this.#at(field) + length)
  }

  #at(field: number): number {
    return this.#start[field] ?? 0
  }
}

/**
 * Returns whether an array on the wire has one dimension with lower bound 1, and elements that are not NULL and fill its
 * bytes exactly.
 */
export function isPlainArray(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 20 || int32(bytes, from) !== 1 || int32(bytes, from + 16) !== 1) return false
  const count = int32(bytes, from + 12)
  let at = from + 20
  for (let i = 0; i < count; i += 1) {
    if (at + 4 > to) return false
    const length = int32(bytes, at)
    if (length < 0) return false
    at += 4 + length
  }
  return count >= 0 && at === to
}

/** Returns whether a timestamptz on the wire, given as two 32-bit halves, is infinite. */
export function isInfinite(high: number, low: number): boolean {
  return (high === 0x7fff_ffff && low === 0xffff_ffff) || (high === -0x8000_0000 && low === 0)
}
