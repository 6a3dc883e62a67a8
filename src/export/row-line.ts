import type { StoredRow } from '../chain/fold.js'
import { asHash } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { AuditError } from '../errors.js'
import { Base64Reader } from './base64-reader.js'
import { BUNDLE_LIMITS } from './bundle-format.js'

const SEQ = '{"seq":'
const PREV = ',"prev_hash":"'
const ENTRY = '","entry_hash":"'
const CANONICAL = '","canonical_bytes":"'
const END = '"}'

/** Hexadecimal digits of a hash. */
const HASH = 64
const HASHES = PREV.length + HASH + ENTRY.length + HASH + CANONICAL.length

const DAMAGED =
  /^\{"seq":(-?\d{1,16}),"prev_hash":(null|"[0-9a-f]{64}"),"entry_hash":(null|"[0-9a-f]{64}"),"problem":"([ !#-[\]-~]{1,200})"\}$/

/**
 * A row as a bundle can hold it: a damaged one keeps its place, what is left of its hashes, and what is wrong. Throws
 * `generation_unknown`: a bundle of this format holds rows of PXA1.
 */
export function exportable(row: StoredRow): StoredRow {
  const { seq, canonical, unknownGeneration } = row
  const { prevHash, entryHash } = row
  if (unknownGeneration !== undefined) throw unknown(seq, unknownGeneration)
  const problem = row.problem ?? problemOf(canonical, prevHash, entryHash)
  return problem === undefined ? row : { seq, prevHash, entryHash, problem: printable(problem) }
}

function problemOf(canonical: Uint8Array | undefined, prev?: string, entry?: string): string | undefined {
  if (canonical === undefined) return 'it has no canonical bytes'
  if (prev === undefined || entry === undefined) return 'a hash is not 32 bytes'
  return canonical.length > BUNDLE_LIMITS.canonicalBytes ? 'longer than any row can be' : undefined
}

/** Printable ASCII that JSON need not escape. */
function printable(problem: string): string {
  return problem.replace(/[^ !#-[\]-~]/g, '?').slice(0, 200)
}

function unknown(seq: number, generation: number): AuditError {
  const message = `row ${seq} is of generation ${generation}, which this program does not know`
  return new AuditError('generation_unknown', message, {
    hint: 'nothing was written; upgrade audit, or export the rows before and after it',
  })
}

/** The line of an {@link exportable} row, without its newline (docs/evidence.md, "A row"). */
export function rowLine({ seq, canonical, problem, prevHash, entryHash }: StoredRow): string {
  if (canonical === undefined) {
    return `${SEQ}${seq},"prev_hash":${quoted(prevHash)},"entry_hash":${quoted(entryHash)},"problem":"${problem}"}`
  }
  const bytes = Buffer.from(canonical.buffer, canonical.byteOffset, canonical.byteLength)
  return `${SEQ}${seq}${PREV}${prevHash}${ENTRY}${entryHash}${CANONICAL}${bytes.toString('base64')}${END}`
}

function quoted(hash: string | undefined): string {
  return hash === undefined ? 'null' : `"${hash}"`
}

/**
 * Reads the lines of segments, by position: JSON.parse alone takes three times as long. The canonical bytes of a row live
 * in a buffer that the next one overwrites.
 */
export class LineReader {
  readonly #bytes = new Base64Reader()
  /** entry_hash of the row before, which is the prev_hash of this one in an intact chain. */
  #before = ''

  /** Calls with each row of a segment, with undefined for a line that is none. */
  read(content: Buffer, onRow: (row: StoredRow | undefined) => void): void {
    const text = content.toString('latin1')
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at)
      const end = newline < 0 ? text.length : newline
      onRow(newline < 0 ? undefined : this.#row(content, text, at, end))
      at = end + 1
    }
  }

  #row(content: Buffer, text: string, from: number, to: number): StoredRow | undefined {
    return this.#whole(content, text, from, to) ?? damagedRow(text.slice(from, to))
  }

  #whole(content: Buffer, text: string, from: number, to: number): StoredRow | undefined {
    const comma = text.indexOf(',', from)
    const prev = comma + PREV.length
    const entry = prev + HASH + ENTRY.length
    const bytes = comma + HASHES
    if (comma < 0 || bytes > to || !isSpelled(text, from, comma, to)) return undefined
    const isLinked = this.#before !== '' && text.startsWith(this.#before, prev)
    if (!(isLinked || isHex(text, prev)) || !isHex(text, entry)) return undefined
    const seq = seqOf(text.slice(from + SEQ.length, comma))
    const canonical = this.#bytes.read(text.slice(bytes, to - END.length))
    if (seq === undefined || canonical === undefined) return undefined
    const prevHash = isLinked ? this.#before : hashAt(content, prev)
    this.#before = hashAt(content, entry)
    return { seq, canonical, prevHash, entryHash: this.#before }
  }
}

/** A text of its own: a slice would keep all of its segment in memory for as long as a finding tells of it. */
function hashAt(content: Buffer, at: number): string {
  return content.toString('latin1', at, at + HASH)
}

/** By hand: a regular expression took a quarter of all the time that a row takes. */
function isHex(text: string, at: number): boolean {
  for (let i = at; i < at + HASH; i += 1) {
    const code = text.charCodeAt(i)
    if ((code < 0x30 || code > 0x39) && (code < 0x61 || code > 0x66)) return false
  }
  return true
}

function isSpelled(text: string, from: number, comma: number, to: number): boolean {
  return (
    text.startsWith(SEQ, from) &&
    text.startsWith(PREV, comma) &&
    text.startsWith(ENTRY, comma + PREV.length + HASH) &&
    text.startsWith(CANONICAL, comma + HASHES - CANONICAL.length) &&
    text.startsWith(END, to - END.length)
  )
}

/** A damaged row may have any number; beyond 2^53 they are no longer exact, and stand for it. */
function seqOf(digits: string): number | undefined {
  const seq = Number(digits)
  const isExact = /^-?\d{1,16}$/.test(digits) && String(seq) === digits
  return isExact && Math.abs(seq) <= LIMITS.maxSeq + 1 ? seq : undefined
}

function damagedRow(line: string): StoredRow | undefined {
  const [, digits = '', prev = '', entry = '', problem] = DAMAGED.exec(line) ?? []
  const seq = seqOf(digits)
  if (seq === undefined) return undefined
  return { seq, prevHash: asHash(prev.slice(1, -1)), entryHash: asHash(entry.slice(1, -1)), problem }
}
