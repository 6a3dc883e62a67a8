import { bufferOf } from '../../base/buffer-of.js'
import { decodeCanonical, encodeCanonical } from '../../chain/canonical.js'
import type { ChainedEntry } from '../../chain/entry.js'
import { ROW_FIELDS } from '../../chain/evidence/finding-evidence.js'
import { FormatError } from '../../chain/format-error.js'
import { isHash } from '../../chain/hash.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { DecodedObject, RowId } from '../../ports/mirror.js'
import { claimedFields } from './claimed-fields.js'
import { ownBytes } from './own-bytes.js'

const FAMILY = 'PXA'
const FORMAT = `${FAMILY}1`
const OTHER_KEYS = 'its keys, or the spelling of canonical_bytes, are not those of the format'
/** A generation is a smallint in SQL. */
const MAX_GENERATION = 32_767

type Fields = Readonly<Record<string, unknown>>

/**
 * Returns the JSON of an object, with its newline. Throws FormatError for a row that the format cannot hold. `canonical` are
 * the bytes that the entry was decoded from, if it was: they have only one spelling, so encoding would give them again.
 */
export function writeObject(entry: ChainedEntry, canonical?: Uint8Array): string {
  if (!isHash(entry.prevHash)) throw new FormatError('prev_hash', 'expected 64 lower-case hex digits')
  if (!isHash(entry.entryHash)) throw new FormatError('entry_hash', 'expected 64 lower-case hex digits')
  return jsonOf(entry, base64(canonical ?? encodeCanonical(entry)))
}

/** Reads only what {@link writeObject} writes. Never throws. A problem names a rule and never quotes the object. */
export function readObject(json: string, row: RowId): DecodedObject {
  let value: unknown
  try {
    value = JSON.parse(json)
    return withFields(strictly(value, json, row), value, row)
  } catch (error) {
    return withFields({ problem: error instanceof FormatError ? error.message : 'not JSON' }, value, row)
  }
}

/** Adds what a malformed object says of its row, so that a verifier can show it. */
function withFields(decoded: DecodedObject, value: unknown, row: RowId): DecodedObject {
  if ('entry' in decoded || decoded.unchecked !== undefined || !isFields(value)) return decoded
  const own = ownBytes(value, row)
  return { ...decoded, fields: claimedFields(value), ...(own !== undefined && { own }) }
}

/**
 * Decodes the entry from canonical_bytes, which have only one spelling, and encodes it as JSON again. If the result is the
 * text that was read, every field agrees. Reading and encoding the fields proves no more, and takes three times as long.
 */
function strictly(value: unknown, json: string, row: RowId): DecodedObject {
  if (!isFields(value)) return { problem: 'not a JSON object' }
  if (value.format !== FORMAT) return otherGeneration(value, row)
  const canonical = Buffer.from(textOf(value, 'canonical_bytes'), 'base64')
  const prevHash = hashOf(value, 'prev_hash')
  const entryHash = hashOf(value, 'entry_hash')
  const entry = { ...decodeCanonical(canonical), prevHash, entryHash }
  // This also refuses what JSON.parse accepts: white space, key order, more keys, duplicate keys, other spellings.
  const own = jsonOf(entry, base64(canonical))
  if (own !== json) return { problem: differenceOf(value, JSON.parse(own), json) }
  const elsewhere = placeProblem(entry.domainId, entry.seq, row)
  if (elsewhere !== undefined) return { problem: elsewhere }
  return { entry, canonical }
}

/** Returns a problem that names the fields. `own` is the object that the canonical bytes make. */
function differenceOf(value: Fields, own: Fields, json: string): string {
  const names = ROW_FIELDS.filter((name) => JSON.stringify(value[name]) !== JSON.stringify(own[name]))
  if (names.length === 1) return `${names[0]}: does not match canonical_bytes`
  if (names.length > 1) return `${namesText(names)}: do not match canonical_bytes`
  const isSpelledWell = `${JSON.stringify(value)}\n` === json
  return isSpelledWell ? OTHER_KEYS : 'not in the exact spelling of the format'
}

/** Names the first three, because a detail is one line. */
function namesText(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return `${names.slice(0, 3).join(', ')}${more}`
}

function otherGeneration(fields: Fields, row: RowId): DecodedObject {
  const [, digits] = /^PXA([1-9][0-9]{0,4})$/.exec(textOf(fields, 'format')) ?? []
  const generation = Number(digits ?? 0)
  if (generation < 2 || generation > MAX_GENERATION) return { problem: 'format: expected PXA1' }
  const elsewhere = placeProblem(fields.domain_id, fields.seq, row)
  if (elsewhere !== undefined) return { problem: elsewhere }
  const [prevHash, entryHash] = [hashOf(fields, 'prev_hash'), hashOf(fields, 'entry_hash')]
  return {
    problem: `format: this program does not know ${FAMILY}${generation}`,
    unchecked: { unknownGeneration: generation, prevHash, entryHash },
  }
}

function placeProblem(domainId: unknown, seq: unknown, row: RowId): string | undefined {
  if (domainId !== row.domainId) return 'domain_id: does not match the key'
  return seq === row.seq ? undefined : 'seq: does not match the key'
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
