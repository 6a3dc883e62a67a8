import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { canonicalProblem, FIXED_PREFIX } from './canonical-problem.js'
import { type Entry, sortCaveats } from './entry.js'
import { FormatError } from './format-error.js'
import { isHash } from './hash.js'
import {
  caveatContextProblem,
  LIMITS,
  objectProblem,
  relationPathProblem,
  textProblem,
  utf8,
} from './limits.js'
import { reasonName, reasonOrdinal } from './reason.js'
import { MAX_MICROS, MIN_MICROS } from './timestamp.js'
import { parseDomainId, uuidBytes, uuidText } from './uuid.js'

/** The ASCII bytes `PXA1`. */
export const MAGIC = Uint8Array.of(0x50, 0x58, 0x41, 0x31)

/** canonical_bytes of generation PXA1 (format.md). Throws FormatError for an entry that the format cannot hold. */
export function encodeCanonical(entry: Entry): Uint8Array {
  assertEntry(entry)
  const texts = [entry.relation, entry.object].map(utf8)
  const path = entry.relationPath.map(utf8)
  const caveats = entry.caveatContext.map(utf8)
  const tail = [entry.correlationId, entry.zedtoken].map(utf8)
  const size =
    FIXED_PREFIX + bytesOf(texts) + 1 + 4 + bytesOf(path) + 4 + bytesOf(caveats) + bytesOf(tail) + 8
  const writer = new Writer(size)
  writer.raw(MAGIC)
  writer.raw(uuidBytes(entry.domainId))
  writer.u64(BigInt(entry.seq))
  writer.raw(hexToBytes(entry.subjectPseudonym))
  writer.strings(texts)
  writer.u8(reasonOrdinal(entry.reason))
  writer.list(path)
  writer.list(caveats)
  writer.strings(tail)
  writer.i64(entry.recordedAt)
  return writer.bytes
}

/** The entry that some canonical bytes hold: the inverse of {@link encodeCanonical}, total and strict. */
export function decodeCanonical(bytes: Uint8Array): Entry {
  const problem = canonicalProblem(bytes)
  if (problem !== undefined) throw new FormatError('canonical_bytes', problem)
  const reader = new Reader(bytes)
  reader.raw(MAGIC.length)
  return {
    domainId: uuidText(reader.raw(16)),
    seq: Number(reader.u64()),
    subjectPseudonym: bytesToHex(reader.raw(32)),
    relation: reader.string(),
    object: reader.string(),
    reason: reasonName(reader.u8()) ?? 'granted',
    relationPath: reader.list(),
    caveatContext: reader.list(),
    correlationId: reader.string(),
    zedtoken: reader.string(),
    recordedAt: reader.i64(),
  }
}

function assertEntry(entry: Entry): void {
  parseDomainId(entry.domainId)
  refuse('seq', Number.isSafeInteger(entry.seq) && entry.seq >= 1 ? undefined : 'expected 1 to 2^53-1')
  refuse(
    'subject_pseudonym',
    isHash(entry.subjectPseudonym) ? undefined : 'expected 64 lower-case hex digits',
  )
  refuse('relation', textProblem(entry.relation, 1, LIMITS.relationBytes))
  refuse('object', objectProblem(entry.object))
  refuse('reason', reasonOrdinal(entry.reason) > 0 ? undefined : 'not a reason')
  refuse('relation_path', relationPathProblem(entry.relationPath))
  refuse(
    'caveat_context',
    caveatContextProblem(entry.caveatContext) ?? caveatOrderProblem(entry.caveatContext),
  )
  refuse('correlation_id', textProblem(entry.correlationId, 0, LIMITS.correlationIdBytes))
  refuse('zedtoken', textProblem(entry.zedtoken, 0, LIMITS.zedtokenBytes))
  const inRange = entry.recordedAt >= MIN_MICROS && entry.recordedAt <= MAX_MICROS
  refuse('recorded_at', inRange ? undefined : 'outside the years 0001 to 9999')
}

function caveatOrderProblem(names: readonly string[]): string | undefined {
  const sorted = sortCaveats(names)
  const same = sorted.length === names.length && sorted.every((name, i) => name === names[i])
  return same ? undefined : 'expected names sorted by their bytes, without duplicates'
}

function refuse(field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new FormatError(field, problem)
}

function bytesOf(strings: readonly Uint8Array[]): number {
  return strings.reduce((sum, s) => sum + 4 + s.length, 0)
}

class Writer {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.#view = new DataView(this.bytes.buffer)
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value)
    this.#at += 1
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#at, value)
    this.#at += 8
  }

  i64(value: bigint): void {
    this.#view.setBigInt64(this.#at, value)
    this.#at += 8
  }

  strings(items: readonly Uint8Array[]): void {
    for (const item of items) {
      this.u32(item.length)
      this.raw(item)
    }
  }

  list(items: readonly Uint8Array[]): void {
    this.u32(items.length)
    this.strings(items)
  }
}

/** Reads bytes that {@link canonicalProblem} has found whole, so nothing here can run over the end. */
class Reader {
  static readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #view: DataView
  #at = 0

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  raw(length: number): Uint8Array {
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }

  u8(): number {
    this.#at += 1
    return this.#view.getUint8(this.#at - 1)
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4)
  }

  u64(): bigint {
    this.#at += 8
    return this.#view.getBigUint64(this.#at - 8)
  }

  i64(): bigint {
    this.#at += 8
    return this.#view.getBigInt64(this.#at - 8)
  }

  string(): string {
    return Reader.#utf8.decode(this.raw(this.u32()))
  }

  list(): string[] {
    return Array.from({ length: this.u32() }, () => this.string())
  }
}
