import { bytesToHex } from '@noble/hashes/utils.js'
import { putU32, viewOf } from './big-endian.js'
import { canonicalProblem } from './canonical-problem.js'
import { CanonicalReader } from './canonical-reader.js'
import { CanonicalWriter } from './canonical-writer.js'
import { type Entry, sortCaveats } from './entry.js'
import { FormatError } from './format-error.js'
import {
  DOMAIN_ID_AT,
  DOMAIN_ID_BYTES,
  HASH_DIGITS,
  MAGIC,
  MAGIC_BYTES,
  PSEUDONYM_AT,
  PSEUDONYM_BYTES,
  RECORDED_AT_BYTES,
  recordedAtOffset,
  SEQ_AT,
} from './layout.js'
import { caveatContextProblem, LIMITS, objectProblem, relationPathProblem, textProblem } from './limits.js'
import { reasonName, reasonOrdinal } from './reason.js'
import { MAX_MICROS, MIN_MICROS } from './timestamp.js'
import { parseDomainId } from './uuid.js'
import { uuidBytes, uuidText } from './uuid-bytes.js'

const NO_TIME = new Uint8Array(RECORDED_AT_BYTES)

/** An entry without its seq and time, which are known last. */
export type UnplacedEntry = Omit<Entry, 'seq' | 'recordedAt'>

/** Returns the canonical bytes, generation PXA1 (FORMAT.md). Throws FormatError for an entry that the format cannot hold. */
export function encodeCanonical(entry: Entry): Uint8Array {
  write(entry)
  return putPlace(writer.take(), entry.seq, entry.recordedAt)
}

const writer = new CanonicalWriter()

/**
 * Returns the canonical bytes with zeros for seq and recorded_at. The rows of one batch share their memory, so a row that
 * is kept for long keeps others. Throws FormatError.
 */
export function encodeUnplaced(entry: UnplacedEntry): Uint8Array {
  write(entry)
  return writer.share()
}

/** Writes each field as soon as it is known to be valid. */
function write(entry: UnplacedEntry): void {
  writer.begin()
  writer.raw(beginning.of(entry.domainId))
  const { subjectPseudonym, object } = entry
  const isHash = subjectPseudonym.length === HASH_DIGITS && writer.hex(subjectPseudonym)
  refuse('subject_pseudonym', isHash ? undefined : 'expected 64 lower-case hex digits')
  text('relation', entry.relation, 1, LIMITS.relationBytes)
  refuse('object', objectProblem(object))
  writer.string(object)
  const reason = reasonOrdinal(entry.reason)
  refuse('reason', reason > 0 ? undefined : 'not a reason')
  writer.u8(reason)
  refuse('relation_path', relationPathProblem(entry.relationPath))
  writer.list(entry.relationPath)
  const caveats = entry.caveatContext
  refuse('caveat_context', caveatContextProblem(caveats) ?? caveatOrderProblem(caveats))
  writer.list(caveats)
  text('correlation_id', entry.correlationId, 0, LIMITS.correlationIdBytes)
  text('zedtoken', entry.zedtoken, 0, LIMITS.zedtokenBytes)
  writer.raw(NO_TIME)
}

function text(field: string, value: string, min: number, max: number): void {
  refuse(field, textProblem(value, min, max))
  writer.string(value)
}

/** The bytes before the pseudonym. Those of the last chain are kept, because one chain follows itself row after row. */
class Beginning {
  #domainId: string | undefined
  readonly #bytes = new Uint8Array(PSEUDONYM_AT)

  /** Throws FormatError for a text that is no id of a chain. */
  of(domainId: string): Uint8Array {
    if (domainId === this.#domainId) return this.#bytes
    const id = uuidBytes(parseDomainId(domainId))
    this.#bytes.set(MAGIC)
    this.#bytes.set(id, DOMAIN_ID_AT)
    this.#domainId = domainId
    return this.#bytes
  }
}

const beginning = new Beginning()

/** Writes seq and recorded_at (µs) into bytes of {@link encodeUnplaced} and returns the same bytes. Throws FormatError. */
export function putPlace(bytes: Uint8Array, seq: number, recordedAt: bigint): Uint8Array {
  refuse('seq', Number.isSafeInteger(seq) && seq >= 1 ? undefined : 'expected 1 to 2^53-1')
  const time = timeBytes.of(recordedAt)
  putU32(bytes, SEQ_AT, Math.floor(seq / 2 ** 32))
  putU32(bytes, SEQ_AT + 4, seq % 2 ** 32)
  bytes.set(time, recordedAtOffset(bytes.length))
  return bytes
}

/** The bytes of a time. Those of the last time are kept, because nearly all rows of a group have the same time. */
class TimeBytes {
  #micros = 0n
  readonly #bytes = new Uint8Array(RECORDED_AT_BYTES)

  /** Throws FormatError for a time that the format cannot hold. */
  of(micros: bigint): Uint8Array {
    if (micros === this.#micros) return this.#bytes
    const inRange = micros >= MIN_MICROS && micros <= MAX_MICROS
    refuse('recorded_at', inRange ? undefined : 'outside the years 0001 to 9999')
    viewOf(this.#bytes).setBigInt64(0, micros)
    this.#micros = micros
    return this.#bytes
  }
}

const timeBytes = new TimeBytes()

/** Decodes canonical bytes, strictly: the inverse of {@link encodeCanonical}. Throws FormatError and nothing else. */
export function decodeCanonical(bytes: Uint8Array): Entry {
  const problem = canonicalProblem(bytes)
  if (problem !== undefined) throw new FormatError('canonical_bytes', problem)
  const reader = new CanonicalReader(bytes)
  reader.raw(MAGIC_BYTES)
  return {
    domainId: uuidText(reader.raw(DOMAIN_ID_BYTES)),
    seq: Number(reader.u64()),
    subjectPseudonym: bytesToHex(reader.raw(PSEUDONYM_BYTES)),
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

function caveatOrderProblem(names: readonly string[]): string | undefined {
  if (names.length < 2) return undefined
  const sorted = sortCaveats(names)
  const same = sorted.length === names.length && sorted.every((name, i) => name === names[i])
  return same ? undefined : 'expected names sorted by their bytes, without duplicates'
}

function refuse(field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new FormatError(field, problem)
}
