import type { ByteRow, RowTaker } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import { asHash } from '../chain/hash.js'
import { HASH_BYTES, HASH_DIGITS } from '../chain/layout.js'
import { LIMITS } from '../chain/limits.js'
import { Base64Reader } from './base64.js'
import { readHex } from './hex.js'
import { LINE, NEWLINE } from './line-format.js'

const HASHES = LINE.prev.length + HASH_DIGITS + LINE.entry.length + HASH_DIGITS + LINE.canonical.length

/** So many digits are always exact. */
const EXACT_DIGITS = 15

const DAMAGED =
  /^\{"seq":(-?\d{1,16}),"prev_hash":(null|"[0-9a-f]{64}"),"entry_hash":(null|"[0-9a-f]{64}"),"problem":"([ !#-[\]-~]{1,200})"\}$/

/** Where the rows of a segment go, in their order. */
export interface LineTaker extends RowTaker {
  /** A line that is no row. */
  addNone(): void
}

/**
 * Reads the lines of segments by position, without a string being made of them: JSON.parse alone takes three times as
 * long. The row and its bytes are used again for the next one.
 */
export class LineReader implements ByteRow {
  readonly #taker: LineTaker
  readonly #base64 = new Base64Reader()
  seq = 0
  canonical: Uint8Array = new Uint8Array()
  /** Both hashes. */
  readonly bytes = Buffer.alloc(2 * HASH_BYTES)
  readonly prevAt = 0
  readonly entryAt = HASH_BYTES

  constructor(taker: LineTaker) {
    this.#taker = taker
  }

  /** The lines of one segment. */
  read(content: Buffer): void {
    for (let at = 0; at < content.length; ) {
      const end = content.indexOf(NEWLINE, at)
      if (end < 0) {
        this.#taker.addNone()
        return
      }
      this.#line(content, at, end)
      at = end + 1
    }
  }

  stored(): StoredRow {
    const { seq, canonical, bytes } = this
    const prevHash = bytes.toString('hex', 0, HASH_BYTES)
    return { seq, canonical, prevHash, entryHash: bytes.toString('hex', HASH_BYTES) }
  }

  #line(content: Buffer, from: number, to: number): void {
    if (this.#whole(content, from, to)) {
      this.#taker.add(this)
      return
    }
    const damaged = damagedRow(content.toString('latin1', from, to))
    if (damaged === undefined) this.#taker.addNone()
    else this.#taker.addStored(damaged)
  }

  #whole(content: Buffer, from: number, to: number): boolean {
    const digits = from + LINE.seq.length
    const comma = content.indexOf(LINE.prev[0] ?? 0, digits)
    const prev = comma + LINE.prev.length
    const entry = prev + HASH_DIGITS + LINE.entry.length
    const base64 = comma + HASHES
    const end = to - LINE.end.length
    if (comma < 0 || base64 > end || !isSpelled(content, from, comma, end)) return false
    const seq = seqAt(content, digits, comma)
    if (seq === undefined || !this.#hashes(content, prev, entry)) return false
    const canonical = this.#base64.read(content, base64, end)
    if (canonical === undefined) return false
    this.seq = seq
    this.canonical = canonical
    return true
  }

  #hashes(content: Buffer, prev: number, entry: number): boolean {
    return (
      readHex(content, prev, this.bytes, 0, HASH_BYTES) &&
      readHex(content, entry, this.bytes, HASH_BYTES, HASH_BYTES)
    )
  }
}

function isSpelled(content: Buffer, from: number, comma: number, end: number): boolean {
  return (
    isAt(LINE.seq, content, from) &&
    isAt(LINE.prev, content, comma) &&
    isAt(LINE.entry, content, comma + LINE.prev.length + HASH_DIGITS) &&
    isAt(LINE.canonical, content, comma + HASHES - LINE.canonical.length) &&
    isAt(LINE.end, content, end)
  )
}

function isAt(piece: Uint8Array, content: Uint8Array, at: number): boolean {
  for (let i = 0; i < piece.length; i += 1) if (content[at + i] !== piece[i]) return false
  return true
}

/** As {@link seqOf}, without a string of the digits where there are few. */
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
