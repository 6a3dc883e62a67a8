import { LIMITS } from '../../chain/limits.js'

/** One line of a byte stream, without its newline. Its bytes may be a view into a chunk. */
export interface Line {
  /** Counted from 1, including skipped lines. */
  readonly number: number
  readonly bytes: Uint8Array
  /** The line is longer than the limit: `bytes` is cut at the limit. */
  readonly tooLong?: true
}

/** The longest line, with a byte-order mark before it and a carriage return after it. */
const CAPACITY = LIMITS.lineBytes + 4

/**
 * Yields the lines of a byte stream, for each chunk the lines that end in it. A line ends with LF or CRLF, and the last
 * line also with the stream. A byte-order mark at the start is dropped. Lines of white space alone are skipped. Holds at
 * most 1 MiB besides the current chunk, however long a line is.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Line[]> {
  const splitter = new Splitter()
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk)
    if (lines.length > 0) yield lines
  }
  const last = splitter.end()
  if (last.length > 0) yield last
}

class Splitter {
  #number = 0
  #pieces: Uint8Array[] = []
  #size = 0
  #dropped = false

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let newline = chunk.indexOf(0x0a); newline >= 0; newline = chunk.indexOf(0x0a, start)) {
      const line = this.#line(chunk.subarray(start, newline))
      if (line !== undefined) lines.push(line)
      start = newline + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
    return lines
  }

  end(): Line[] {
    const line = this.#pieces.length > 0 ? this.#line(new Uint8Array(0)) : undefined
    return line === undefined ? [] : [line]
  }

  #keep(piece: Uint8Array): void {
    const kept = piece.subarray(0, CAPACITY - this.#size)
    if (kept.length > 0) this.#pieces.push(kept)
    this.#size += kept.length
    this.#dropped ||= kept.length < piece.length
  }

  #line(last: Uint8Array): Line | undefined {
    this.#number += 1
    const bytes = trimmed(this.#take(last), this.#number === 1)
    const tooLong = this.#dropped || bytes.length > LIMITS.lineBytes
    this.#dropped = false
    if (tooLong) return { number: this.#number, bytes: bytes.subarray(0, LIMITS.lineBytes), tooLong }
    return isBlank(bytes) ? undefined : { number: this.#number, bytes }
  }

  /** Returns the whole line. Copies only where the line spans chunks. */
  #take(last: Uint8Array): Uint8Array {
    if (this.#pieces.length === 0 && last.length <= CAPACITY) return last
    this.#keep(last)
    const whole = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#size = 0
    return whole
  }
}

function trimmed(bytes: Uint8Array, first: boolean): Uint8Array {
  const isMarked = first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const hasReturn = bytes[bytes.length - 1] === 0x0d
  return isMarked || hasReturn ? bytes.subarray(isMarked ? 3 : 0, hasReturn ? -1 : bytes.length) : bytes
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}
