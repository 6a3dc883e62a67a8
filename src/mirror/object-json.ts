import { encodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry } from '../chain/entry.js'
import { FormatError } from '../chain/format-error.js'
import { asHash, isHash } from '../chain/hash.js'
import { isReason } from '../chain/reason.js'
import { formatTimestamp, parseTimestamp } from '../chain/timestamp.js'
import { parseDomainId } from '../chain/uuid.js'
import type { ObjectPlace } from './key.js'

const FORMAT = 'PXA1'
/** SQL holds a generation as a smallint. */
const MAX_GENERATION = 32_767

/** An object that is whole: it says one thing in one spelling. Whether its hashes hold is the fold's to judge. */
export interface ReadObject {
  readonly kind: 'entry'
  readonly entry: ChainedEntry
  /** Rebuilt from the fields, and the same as the object's own. */
  readonly canonical: Uint8Array
  /** The decompressed content, which two copies are compared by. */
  readonly json: string
}

/** An object of this place in a generation that this reader does not know: it could not be checked, which is no finding. */
export interface UnknownGeneration {
  readonly kind: 'unknown_generation'
  readonly generation: number
  readonly prevHash: string | undefined
  readonly entryHash: string | undefined
}

/** Bytes that no writer of this format makes. The problem names a rule and never what the object holds. */
export interface MalformedObject {
  readonly kind: 'malformed'
  readonly problem: string
}

export type DecodedObject = ReadObject | UnknownGeneration | MalformedObject

type Fields = Readonly<Record<string, unknown>>

/** The JSON of an object with its newline (format.md, "Mirror object"). Throws FormatError for what a row cannot be. */
export function writeObject(entry: ChainedEntry): string {
  if (!isHash(entry.prevHash)) throw new FormatError('prev_hash', 'expected 64 lower-case hex digits')
  if (!isHash(entry.entryHash)) throw new FormatError('entry_hash', 'expected 64 lower-case hex digits')
  return jsonOf(entry, base64(encodeCanonical(entry)))
}

/** Reads what {@link writeObject} writes and nothing else. Total: a hostile object is a result, never an exception. */
export function readObject(json: string, place: ObjectPlace): DecodedObject {
  try {
    return strictly(json, place)
  } catch (error) {
    return malformed(error instanceof FormatError ? error.message : 'not JSON')
  }
}

export function malformed(problem: string): MalformedObject {
  return { kind: 'malformed', problem }
}

function strictly(json: string, place: ObjectPlace): DecodedObject {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null) return malformed('not a JSON object')
  const fields: Fields = { ...value }
  if (fields.format !== FORMAT) return otherGeneration(fields, place)
  const entry = entryOf(fields)
  const canonical = encodeCanonical(entry)
  const text = base64(canonical)
  if (fields.canonical_bytes !== text) return malformed('canonical_bytes: not those of the fields')
  // Refuses what JSON.parse forgives: white space, key order, further and duplicate keys, other spellings.
  if (jsonOf(entry, text) !== json) return malformed('not spelled as the format spells it')
  if (entry.domainId !== place.domainId || entry.seq !== place.seq) return elsewhere()
  return { kind: 'entry', entry, canonical, json }
}

function elsewhere(): MalformedObject {
  return malformed('the object is that of another row than its key names')
}

function otherGeneration(fields: Fields, place: ObjectPlace): DecodedObject {
  const [, digits] = /^PXA([1-9][0-9]{0,4})$/.exec(textOf(fields, 'format')) ?? []
  const generation = Number(digits ?? 0)
  if (generation < 2 || generation > MAX_GENERATION) return malformed('format: expected PXA1')
  if (fields.domain_id !== place.domainId || fields.seq !== place.seq) return elsewhere()
  const hashOf = (name: string) => asHash(textOf(fields, name))
  return {
    kind: 'unknown_generation',
    generation,
    prevHash: hashOf('prev_hash'),
    entryHash: hashOf('entry_hash'),
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

function entryOf(fields: Fields): ChainedEntry {
  const reason = textOf(fields, 'reason')
  if (!isReason(reason)) throw new FormatError('reason', 'not a reason')
  if (typeof fields.seq !== 'number') throw new FormatError('seq', 'expected a number')
  return {
    domainId: parseDomainId(textOf(fields, 'domain_id')),
    seq: fields.seq,
    subjectPseudonym: textOf(fields, 'subject_pseudonym'),
    relation: textOf(fields, 'relation'),
    object: textOf(fields, 'object'),
    reason,
    relationPath: listOf(fields, 'relation_path'),
    caveatContext: listOf(fields, 'caveat_context'),
    correlationId: textOf(fields, 'correlation_id'),
    zedtoken: textOf(fields, 'zedtoken'),
    recordedAt: parseTimestamp(textOf(fields, 'recorded_at')),
    prevHash: hashOf(fields, 'prev_hash'),
    entryHash: hashOf(fields, 'entry_hash'),
  }
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new FormatError(name, 'expected a text')
  return value
}

function listOf(fields: Fields, name: string): string[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw new FormatError(name, 'expected a list')
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new FormatError(name, 'expected a list of texts')
    return item
  })
}

function hashOf(fields: Fields, name: string): string {
  const text = textOf(fields, name)
  if (!isHash(text)) throw new FormatError(name, 'expected 64 lower-case hex digits')
  return text
}

function base64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64')
}

/** The same memory as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
