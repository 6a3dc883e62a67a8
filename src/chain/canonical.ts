import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { putU32 } from './big-endian.js'
import { canonicalProblem } from './canonical-problem.js'
import { CanonicalReader } from './canonical-reader.js'
import { CanonicalWriter } from './canonical-writer.js'
import { type Entry, sortCaveats } from './entry.js'
import { FormatError } from './format-error.js'
import { isHash } from './hash.js'
import {
  DOMAIN_ID_BYTES,
  MAGIC,
  MAGIC_BYTES,
  PSEUDONYM_BYTES,
  RECORDED_AT_BYTES,
  recordedAtOffset,
  SEQ_AT,
  SEQ_BYTES,
} from './layout.js'
import { caveatContextProblem, LIMITS, objectProblem, relationPathProblem, textProblem } from './limits.js'
import { reasonName, reasonOrdinal } from './reason.js'
import { MAX_MICROS, MIN_MICROS } from './timestamp.js'
import { parseDomainId } from './uuid.js'
import { uuidBytes, uuidText } from './uuid-bytes.js'

const NO_SEQ = new Uint8Array(SEQ_BYTES)
const NO_TIME = new Uint8Array(RECORDED_AT_BYTES)

/** An entry without its seq and time, which are known last. */
export type UnplacedEntry = Omit<Entry, 'seq' | 'recordedAt'>

/** Returns the canonical bytes, generation PXA1 (FORMAT.md). Throws FormatError for an entry that the format cannot hold. */
export function encodeCanonical(entry: Entry): Uint8Array {
  return putPlace(encodeUnplaced(entry), entry.seq, entry.recordedAt)
}

const writer = new CanonicalWriter()

/** Returns the canonical bytes with zeros for seq and recorded_at. Throws FormatError. */
export function encodeUnplaced(entry: UnplacedEntry): Uint8Array {
  assertEntry(entry)
  writer.raw(MAGIC)
  writer.raw(uuidBytes(entry.domainId))
  writer.raw(NO_SEQ)
  writer.raw(hexToBytes(entry.subjectPseudonym))
  writer.string(entry.relation)
  writer.string(entry.object)
  writer.u8(reasonOrdinal(entry.reason))
  writer.list(entry.relationPath)
  writer.list(entry.caveatContext)
  writer.string(entry.correlationId)
  writer.string(entry.zedtoken)
  writer.raw(NO_TIME)
  return writer.take()
}

/** Writes seq and recorded_at (µs) into bytes of {@link encodeUnplaced} and returns the same bytes. Throws FormatError. */
export function putPlace(bytes: Uint8Array, seq: number, recordedAt: bigint): Uint8Array {
  refuse('seq', Number.isSafeInteger(seq) && seq >= 1 ? undefined : 'expected 1 to 2^53-1')
  const inRange = recordedAt >= MIN_MICROS && recordedAt <= MAX_MICROS
  refuse('recorded_at', inRange ? undefined : 'outside the years 0001 to 9999')
  putU64(bytes, SEQ_AT, BigInt(seq))
  putU64(bytes, recordedAtOffset(bytes.length), BigInt.asUintN(64, recordedAt))
  return bytes
}

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

function assertEntry(entry: UnplacedEntry): void {
  parseDomainId(entry.domainId)
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
}

function caveatOrderProblem(names: readonly string[]): string | undefined {
  const sorted = sortCaveats(names)
  const same = sorted.length === names.length && sorted.every((name, i) => name === names[i])
  return same ? undefined : 'expected names sorted by their bytes, without duplicates'
}

function refuse(field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new FormatError(field, problem)
}

function putU64(bytes: Uint8Array, at: number, value: bigint): void {
  putU32(bytes, at, Number(value >> 32n))
  putU32(bytes, at + 4, Number(value & 0xffff_ffffn))
}
