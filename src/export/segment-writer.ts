import { hash } from 'node:crypto'
import type { StoredRow } from '../chain/fold.js'
import { BUNDLE_LIMITS, segmentName } from './bundle-format.js'
import { compressSegment } from './gzip.js'
import type { Segment } from './manifest.js'
import { rowLine } from './row-line.js'

/** Takes the compressed segments in their order. */
export type TakeSegment = (name: string, bytes: Buffer) => Promise<void>

/** Segments that are compressed at once, each on a thread of its own. */
const AT_ONCE = 3

/** Rows to segments: each ends before the line that would make it too long. Memory is that of a few segments. */
export class SegmentWriter {
  readonly segments: Segment[] = []
  readonly #take: TakeSegment
  readonly #compressing: Promise<{ name: string; bytes: Buffer }>[] = []
  #lines: string[] = []
  #bytes = 0
  #first = 0
  #last = 0

  constructor(take: TakeSegment) {
    this.#take = take
  }

  add(row: StoredRow): void {
    const line = rowLine(row)
    if (this.#bytes + line.length + 1 > BUNDLE_LIMITS.segmentBytes) this.#close()
    if (this.#lines.length === 0) this.#first = row.seq
    this.#last = row.seq
    this.#lines.push(line)
    this.#bytes += line.length + 1
  }

  /** Whether so much waits to be written that it is time to {@link drain}. */
  get isAhead(): boolean {
    return this.#compressing.length > AT_ONCE
  }

  /** Hands over what is compressed, as far as needed to keep memory flat. */
  async drain(atMost = AT_ONCE): Promise<void> {
    while (this.#compressing.length > atMost) {
      const segment = await this.#compressing.shift()
      if (segment !== undefined) await this.#take(segment.name, segment.bytes)
    }
  }

  async finish(): Promise<void> {
    if (this.#lines.length > 0) this.#close()
    await this.drain(0)
  }

  /** For an export that failed: nothing is left running. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#compressing)
  }

  #close(): void {
    this.#lines.push('')
    const content = Buffer.from(this.#lines.join('\n'), 'latin1')
    const name = segmentName(this.segments.length + 1)
    this.segments.push({
      name,
      rows: this.#lines.length - 1,
      first_seq: this.#first,
      last_seq: this.#last,
      bytes: content.length,
      sha256: hash('sha256', content),
    })
    const compressing = compressSegment(content).then((bytes) => ({ name, bytes }))
    compressing.catch(() => undefined)
    this.#compressing.push(compressing)
    this.#lines = []
    this.#bytes = 0
  }
}
