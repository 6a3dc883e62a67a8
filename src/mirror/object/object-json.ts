import { bufferOf } from '../../base/buffer-of.js'
import { decodeCanonical, encodeCanonical } from '../../chain/canonical.js'
import type { ChainedEntry } from '../../chain/entry.js'
import { FormatError } from '../../chain/format-error.js'
import { isHash } from '../../chain/hash.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { DecodedObject, RowId } from '../../ports/mirror.js'

const FAMILY = 'PXA'
const FORMAT = `${FAMILY}1`
const ELSEWHERE = 'the row does not match the key'
/** A generation is a smallint in SQL. */
const MAX_GENERATION = 32_767

type Fields = Readonly<Record<string, unknown>>

/** Returns the JSON of an object, with its newline. Throws FormatError for a row that the format cannot hold. */
export function writeObject(entry: ChainedEntry): string {
  if (!isHash(entry.prevHash)) throw new FormatError('prev_hash', 'expected 64 lower-case hex digits')
  if (!isHash(entry.entryHash)) throw new FormatError('entry_hash', 'expected 64 lower-case hex digits')
  return jsonOf(entry, base64(encodeCanonical(entry)))
}

/** Reads only what {@link writeObject} writes. Never throws. A problem names a rule and never quotes the object. */
export function readObject(json: string, row: RowId): DecodedObject {
  try {
    return strictly(json, row)
  } catch (error) {
    return { problem: error instanceof FormatError ? error.message : 'not JSON' }
  }
}

/**
 * Decodes the entry from canonical_bytes, which have only one spelling, and encodes it as JSON again. If the result is the
 * text that was read, every field agrees. Reading and encoding the fields proves no more, and takes three times as long.
 */
function strictly(json: string, row: RowId): DecodedObject {
  const value: unknown = JSON.parse(json)
  if (!isFields(value)) return { problem: 'not a JSON object' }
  if (value.format !== FORMAT) return otherGeneration(value, row)
  const canonical = Buffer.from(textOf(value, 'canonical_bytes'), 'base64')
  const prevHash = hashOf(value, 'prev_hash')
  const entryHash = hashOf(value, 'entry_hash')
  const entry = { ...decodeCanonical(canonical), prevHash, entryHash }
  // This also refuses what JSON.parse accepts: white space, key order, more keys, duplicate keys, other spellings.
  if (jsonOf(entry, base64(canonical)) !== json) return { problem: differenceOf(value, json) }
  if (entry.domainId !== row.domainId || entry.seq !== row.seq) return { problem: ELSEWHERE }
  return { entry, canonical }
}

function differenceOf(value: unknown, json: string): string {
  const isSpelledWell = `${JSON.stringify(value)}\n` === json
  return isSpelledWell
    ? 'canonical_bytes: does not match the fields'
    : 'not in the exact spelling of the format'
}

function otherGeneration(fields: Fields, row: RowId): DecodedObject {
  const [, digits] = /^PXA([1-9][0-9]{0,4})$/.exec(textOf(fields, 'format')) ?? []
  const generation = Number(digits ?? 0)
  if (generation < 2 || generation > MAX_GENERATION) return { problem: 'format: expected PXA1' }
  if (fields.domain_id !== row.domainId || fields.seq !== row.seq) return { problem: ELSEWHERE }
  const [prevHash, entryHash] = [hashOf(fields, 'prev_hash'), hashOf(fields, 'entry_hash')]
  return {
    problem: `format: this program does not know ${FAMILY}${generation}`,
    unchecked: { unknownGeneration: generation, prevHash, entryHash },
  }
}

function jsonOf(entry: ChainedEntry, canonicalBytes: string): string {
  const object = {
    format: FORMAT,
    domain_id: entry.domainId,
    seq: entry.seq,
    subject_pseudonym: entry.subjectPseudonym,
    relation: entry.relation,
    object: entry.object,
    reason: entry.reason,
    relation_path: entry.relationPath,
    caveat_context: entry.caveatContext,
    correlation_id: entry.correlationId,
    zedtoken: entry.zedtoken,
    recorded_at: formatTimestamp(entry.recordedAt),
    prev_hash: entry.prevHash,
    entry_hash: entry.entryHash,
    canonical_bytes: canonicalBytes,
  }
  return `${JSON.stringify(object)}\n`
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new FormatError(name, 'expected a text')
  return value
}

function hashOf(fields: Fields, name: string): string {
  const text = textOf(fields, name)
  if (!isHash(text)) throw new FormatError(name, 'expected 64 lower-case hex digits')
  return text
}

function base64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64')
}
