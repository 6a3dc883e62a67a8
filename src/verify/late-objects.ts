import { setTimeout as sleep } from 'node:timers/promises'
import type { ListedRow } from './object-stream.js'

/** Milliseconds before each look for what is missing. */
const PAUSES = [0, 200, 600] as const
/** Milliseconds that one scan waits altogether: a mirror full of holes is told soon. */
export const PATIENCE = 1_600
/** An archiver has no more uploads under way; a wider gap is no late object. */
const MAX_GAP = 256
/** Objects that one scan looks for, beside those that were listed. */
const MAX_LOOKS = 4_096

/**
 * Uploads of one chain end in any order: where an object was not listed and a later one was, it may still be on its way.
 * So a mirror that is being written to has gaps that are none; each is looked at again before it is told.
 */
export class LateObjects {
  #patience: number
  #looks = MAX_LOOKS

  /** `fetch` tells what is at a seq now. */
  constructor(
    readonly fetch: (seq: number) => Promise<ListedRow>,
    readonly signal: AbortSignal,
    patience = PATIENCE,
  ) {
    this.#patience = patience
  }

  /**
   * The objects from `fromSeq` on, with those in their gaps that have come meanwhile. `endOf` tells, once all were listed,
   * which seq there must be at last.
   */
  async *fill(
    objects: AsyncIterable<ListedRow>,
    fromSeq: number,
    endOf: () => number,
  ): AsyncGenerator<ListedRow> {
    let next = fromSeq
    for await (const object of objects) {
      if (object.kind === 'row') {
        yield* await this.#late(next, object.seq)
        next = Math.max(next, object.seq + 1)
      }
      yield object
    }
    yield* await this.#late(next, endOf() + 1)
  }

  async #late(fromSeq: number, before: number): Promise<ListedRow[]> {
    if (before <= fromSeq || before - fromSeq > MAX_GAP) return []
    const found: ListedRow[] = []
    let missing = Array.from({ length: before - fromSeq }, (_, i) => fromSeq + i)
    for (const pause of PAUSES) {
      if (missing.length === 0 || !(await this.#mayLook(missing.length, pause))) break
      const looked = await Promise.all(missing.map((seq) => this.fetch(seq)))
      found.push(...looked.filter(({ kind }) => kind === 'row'))
      missing = looked.filter(({ kind }) => kind !== 'row').map(({ seq }) => seq)
    }
    return found.sort((a, b) => a.seq - b.seq)
  }

  async #mayLook(objects: number, pause: number): Promise<boolean> {
    if (this.#looks < objects || this.#patience < pause) return false
    this.#looks -= objects
    this.#patience -= pause
    if (pause > 0) await sleep(pause, undefined, { signal: this.signal })
    return true
  }
}
