import type { ByteRow } from '../chain/fast-path.js'
import type { StoredRow } from '../chain/fold.js'
import { BUNDLE_LIMITS, segmentName } from './bundle-format.js'
import { damagedLine } from './damaged-row.js'
import { compressSegment } from './gzip.js'
import { lineLength, writeLine } from './line-writer.js'
import type { Segment } from './manifest.js'
import { sha256Of } from './sha256.js'

/** Receives the compressed segments in order. */
export type TakeSegment = (name: string, bytes: Buffer) => Promise<void>

/** A stored segment, and its entry in the manifest. */
interface Made {
  readonly segment: Segment
  readonly bytes: Buffer
}

/** Segments that are compressed at once, each on its own thread. */
const CONCURRENCY = 3

/** Writes rows to segments. A segment ends before the line that would make it too long. Holds a few segments in memory. */
export class SegmentWriter {
  /** The segments that were passed on. */
  readonly segments: Segment[] = []
  readonly #take: TakeSegment
  readonly #compressing: Promise<Made>[] = []
  #draining = Promise.resolve()
  /** Buffers to reuse: each new one would make the garbage collector run a full collection. */
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

  /** Whether so many segments wait that the caller should {@link drain}. */
  get isAhead(): boolean {
    return this.#compressing.length > CONCURRENCY
  }

  /**
   * Passes on compressed segments until at most `atMost` wait, which keeps memory flat. Calls run one after the other,
   * because the call of `finish` may begin while another one runs.
   */
  drain(atMost = CONCURRENCY): Promise<void> {
    this.#draining = this.#draining.then(() => this.#passOn(atMost))
    return this.#draining
  }

  async finish(): Promise<void> {
    if (this.#content !== undefined) this.#close(this.#content)
    await this.drain(0)
  }

  /** Waits until nothing runs any more, after an export that failed. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.#draining, ...this.#compressing])
  }

  async #passOn(atMost: number): Promise<void> {
    while (this.#compressing.length > atMost) {
      const made = await this.#compressing.shift()
      if (made === undefined) return
      this.segments.push(made.segment)
      await this.#take(made.segment.name, made.bytes)
    }
  }

  /** Returns the segment for a row's line of this length. */
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
