import type { ByteRow } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import { BUNDLE_LIMITS, segmentName } from './bundle-format.js'
import { damagedLine } from './damaged-row.js'
import { compressSegment } from './gzip.js'
import { lineLength, writeLine } from './line-writer.js'
import type { Segment } from './manifest.js'
import { sha256Of } from './sha256.js'

/** Takes the compressed segments in their order. */
export type TakeSegment = (name: string, bytes: Buffer) => Promise<void>

/** A segment as it is stored, and what the manifest says of it. */
interface Made {
  readonly segment: Segment
  readonly bytes: Buffer
}

/** Segments that are compressed at once, each on a thread of its own. */
const AT_ONCE = 3

/** Rows to segments: each ends before the line that would make it too long. Memory is that of a few segments. */
export class SegmentWriter {
  /** Those that were handed over. */
  readonly segments: Segment[] = []
  readonly #take: TakeSegment
  readonly #compressing: Promise<Made>[] = []
  #draining = Promise.resolve()
  /** Used before: to the collector each new one would be a reason to look at everything. */
  readonly #spare: Buffer[] = []
  #closed = 0
  #content: Buffer | undefined
  #bytes = 0
  #rows = 0
  #first = 0
  #last = 0

  constructor(take: TakeSegment) {
    this.#take = take
  }

  add(row: ByteRow): void {
    const digits = String(row.seq)
    const length = lineLength(row, digits)
    const content = this.#room(row.seq, length)
    writeLine(row, digits, content, this.#bytes)
    this.#bytes += length
  }

  /** See {@link damagedRow}. */
  addDamaged(row: StoredRow): void {
    const line = `${damagedLine(row)}\n`
    const content = this.#room(row.seq, line.length)
    this.#bytes += content.write(line, this.#bytes, 'latin1')
  }

  /** Whether so much waits to be written that it is time to {@link drain}. */
  get isAhead(): boolean {
    return this.#compressing.length > AT_ONCE
  }

  /**
   * Hands over what is compressed, as far as needed to keep memory flat. One call after the other: where the last rows
   * come with the chunk that made it wait, the one for the end begins meanwhile.
   */
  drain(atMost = AT_ONCE): Promise<void> {
    this.#draining = this.#draining.then(() => this.#handOver(atMost))
    return this.#draining
  }

  async finish(): Promise<void> {
    if (this.#content !== undefined) this.#close(this.#content)
    await this.drain(0)
  }

  /** For an export that failed: nothing is left running. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.#draining, ...this.#compressing])
  }

  async #handOver(atMost: number): Promise<void> {
    while (this.#compressing.length > atMost) {
      const made = await this.#compressing.shift()
      if (made === undefined) return
      this.segments.push(made.segment)
      await this.#take(made.segment.name, made.bytes)
    }
  }

  /** The segment that the row's line of this length goes to. */
  #room(seq: number, length: number): Buffer {
    if (this.#content !== undefined && this.#bytes + length > this.#content.length) this.#close(this.#content)
    if (this.#content === undefined) {
      this.#content = this.#spare.pop() ?? Buffer.allocUnsafe(BUNDLE_LIMITS.segmentBytes)
      this.#first = seq
    }
    this.#last = seq
    this.#rows += 1
    return this.#content
  }

  #close(content: Buffer): void {
    this.#closed += 1
    const compressing = this.#make(content, {
      name: segmentName(this.#closed),
      rows: this.#rows,
      first_seq: this.#first,
      last_seq: this.#last,
      bytes: this.#bytes,
    })
    compressing.catch(() => undefined)
    this.#compressing.push(compressing)
    this.#content = undefined
    this.#bytes = 0
    this.#rows = 0
  }

  async #make(whole: Buffer, counts: Omit<Segment, 'sha256'>): Promise<Made> {
    const content = whole.subarray(0, counts.bytes)
    const [bytes, sha256] = await Promise.all([compressSegment(content), sha256Of(content)])
    this.#spare.push(whole)
    return { segment: { ...counts, sha256 }, bytes }
  }
}
