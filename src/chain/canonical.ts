import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { canonicalProblem, FIXED_PREFIX } from './canonical-problem.js'
import { CanonicalReader } from './canonical-reader.js'
import { CanonicalWriter } from './canonical-writer.js'
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
  const size = FIXED_PREFIX + sizeOf(texts) + 1 + 4 + sizeOf(path) + 4 + sizeOf(caveats) + sizeOf(tail) + 8
  const writer = new CanonicalWriter(size)
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
  const reader = new CanonicalReader(bytes)
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

/** Of strings with a length before each. */
function sizeOf(strings: readonly Uint8Array[]): number {
  return strings.reduce((sum, string) => sum + 4 + string.length, 0)
}
