import { CopiedRows } from '../base/copied-rows.js'
import { RecentPlaces } from '../base/recent-places.js'
import type { ByteRow, RowTaker } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import { asHash } from '../chain/hash.js'
import { HASH_BYTES, HASH_DIGITS } from '../chain/layout.js'
import { LIMITS } from '../chain/limits.js'
import { Base64Reader } from './base64.js'
import { readHex } from './hex.js'
import { LINE_TEXT, NEWLINE } from './line-format.js'

const HASHES =
  LINE_TEXT.prev.length + HASH_DIGITS + LINE_TEXT.entry.length + HASH_DIGITS + LINE_TEXT.canonical.length

/** A number of this many digits is always exact. */
const EXACT_DIGITS = 15

const DAMAGED =
  /^\{"seq":(-?\d{1,16}),"prev_hash":(null|"[0-9a-f]{64}"),"entry_hash":(null|"[0-9a-f]{64}"),"problem":"([ !#-[\]-~]{1,200})"\}$/

/** Receives the rows of a segment, in order. */
export interface LineTaker extends RowTaker {
  /** Adds a line that is not a row. */
  addMalformed(): void
}

/**
 * Reads the lines of segments by position and creates no string: JSON.parse alone takes three times as long. The object
 * and its bytes are reused for every row.
 */
export class LineReader implements ByteRow {
  readonly #taker: LineTaker
  readonly #base64 = new Base64Reader()
  readonly #recent = new RecentPlaces()
  /** Reads the last rows again. */
  #again: LineReader | undefined
  readonly #copied = new CopiedRows()
  seq = 0
  canonical: Uint8Array = new Uint8Array()
  /** Both hashes of the row. */
  readonly bytes = Buffer.alloc(2 * HASH_BYTES)
  readonly prevAt = 0
  readonly entryAt = HASH_BYTES

  constructor(taker: LineTaker) {
    this.#taker = taker
  }

  /** Reads the lines of one segment. */
  read(content: Buffer): void {
    for (let at = 0; at < content.length; ) {
      const end = content.indexOf(NEWLINE, at)
      if (end < 0) {
        this.#taker.addMalformed()
        return
      }
      this.#readLine(content, at, end)
      at = end + 1
    }
  }

  stored(): StoredRow {
    const { seq, canonical, bytes } = this
    const prevHash = bytes.toString('hex', 0, HASH_BYTES)
    return { seq, canonical, prevHash, entryHash: bytes.toString('hex', HASH_BYTES) }
  }

  /** Returns the last rows that the taker got, oldest first. Their bytes are their own. */
  recent(): StoredRow[] {
    this.#again ??= new LineReader(this.#copied)
    for (const { bytes, from, to } of this.#recent.inOrder) this.#again.#readLine(bytes, from, to)
    return this.#copied.take()
  }

  #readLine(content: Buffer, from: number, to: number): void {
    if (this.#readWhole(content, from, to)) this.#taker.add(this)
    else this.#readDamaged(content.toString('latin1', from, to))
    this.#recent.note(content, from, to)
  }

  #readDamaged(line: string): void {
    const damaged = damagedRow(line)
    if (damaged === undefined) this.#taker.addMalformed()
    else this.#taker.addStored(damaged)
  }

  #readWhole(content: Buffer, from: number, to: number): boolean {
    const digits = from + LINE_TEXT.seq.length
    const comma = content.indexOf(LINE_TEXT.prev[0] ?? 0, digits)
    const prev = comma + LINE_TEXT.prev.length
    const entry = prev + HASH_DIGITS + LINE_TEXT.entry.length
    const base64 = comma + HASHES
    const end = to - LINE_TEXT.end.length
    if (comma < 0 || base64 > end || !isSpelled(content, from, comma, end)) return false
    const seq = seqAt(content, digits, comma)
    if (seq === undefined || !this.#readHashes(content, prev, entry)) return false
    const canonical = this.#base64.read(content, base64, end)
    if (canonical === undefined) return false
    this.seq = seq
    this.canonical = canonical
    return true
  }

  #readHashes(content: Buffer, prev: number, entry: number): boolean {
    return (
      readHex(content, prev, this.bytes, 0, HASH_BYTES) &&
      readHex(content, entry, this.bytes, HASH_BYTES, HASH_BYTES)
    )
  }
}

function isSpelled(content: Buffer, from: number, comma: number, end: number): boolean {
  return (
    isAt(LINE_TEXT.seq, content, from) &&
    isAt(LINE_TEXT.prev, content, comma) &&
    isAt(LINE_TEXT.entry, content, comma + LINE_TEXT.prev.length + HASH_DIGITS) &&
    isAt(LINE_TEXT.canonical, content, comma + HASHES - LINE_TEXT.canonical.length) &&
    isAt(LINE_TEXT.end, content, end)
  )
}

function isAt(piece: Uint8Array, content: Uint8Array, at: number): boolean {
  for (let i = 0; i < piece.length; i += 1) if (content[at + i] !== piece[i]) return false
  return true
}

/** Parses like {@link seqOf}, but creates no string for a number of few digits. */
function seqAt(content: Buffer, from: number, to: number): number | undefined {
  const isPlain = to > from && to - from <= EXACT_DIGITS && content[from] !== 0x30
  let seq = 0
  for (let at = from; isPlain && at < to; at += 1) {
    const digit = (content[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return seqOf(content.toString('latin1', from, to))
    seq = seq * 10 + digit
  }
  return isPlain ? seq : seqOf(content.toString('latin1', from, to))
}

/** Parses a seq. A damaged row may have any seq up to 2^53, which represents every larger one; larger numbers are inexact. */
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
