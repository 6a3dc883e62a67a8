import { bufferOf } from '../base/buffer-of.js'
import type { ByteRow } from '../chain/fast-path.js'
import { HASH_BYTES, HASH_DIGITS } from '../chain/layout.js'
import { base64Length } from './base64.js'
import { writeHex } from './hex.js'
import { LINE_TEXT, NEWLINE } from './line-format.js'

const PIECES = Object.values(LINE_TEXT).reduce((sum, piece) => sum + piece.length, 0)

/** Returns the bytes of a row's line, newline included, where the seq is written as `digits`. */
export function lineLength({ canonical }: ByteRow, digits: string): number {
  return PIECES + digits.length + 2 * HASH_DIGITS + base64Length(canonical.length) + 1
}

/** Writes a row's line into the segment at `start`. */
export function writeLine(row: ByteRow, digits: string, to: Buffer, start: number): void {
  let at = put(LINE_TEXT.seq, to, start)
  at += to.write(digits, at, 'latin1')
  at = put(LINE_TEXT.prev, to, at)
  writeHex(row.bytes, row.prevAt, to, at, HASH_BYTES)
  at = put(LINE_TEXT.entry, to, at + HASH_DIGITS)
  writeHex(row.bytes, row.entryAt, to, at, HASH_BYTES)
  at = put(LINE_TEXT.canonical, to, at + HASH_DIGITS)
  // Creates a string: Node's own encoder is four times as fast as one of ours that writes bytes.
  at += to.write(bufferOf(row.canonical).toString('base64'), at, 'latin1')
  at = put(LINE_TEXT.end, to, at)
  to[at] = NEWLINE
}

/** Copies a part of the line, and returns where it ends. */
function put(piece: Uint8Array, to: Uint8Array, at: number): number {
  for (let i = 0; i < piece.length; i += 1) to[at + i] = piece[i] as number
  return at + piece.length
}
