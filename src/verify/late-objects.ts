import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_UPLOADS_IN_FLIGHT } from '../ports/archive.js'

/** Milliseconds to wait before each attempt to fetch the missing objects. */
const PAUSES = [0, 200, 600] as const
/** Milliseconds that one scan waits in all, so that a mirror full of holes is reported soon. */
export const LATE_OBJECT_WAIT = 1_600
/** Most fetches of unlisted objects in one scan. */
const MAX_FETCHES = 4_096

/** What a mirror has at a seq. */
export interface AtSeq {
  /** Any other kind is no object of the row. */
  readonly kind: 'row' | string
  readonly seq: number
}

/**
 * Uploads of one chain end in any order. While uploads run, an object that is missing before a listed one may just be
 * late: it is fetched again before a gap is reported.
 */
export class LateObjects<T extends AtSeq> {
  #patience: number
  #fetches = MAX_FETCHES

  /** `fetch` returns what the mirror now has at a seq. */
  constructor(
    readonly fetch: (seq: number) => Promise<T>,
    readonly signal: AbortSignal,
    patience = LATE_OBJECT_WAIT,
  ) {
    this.#patience = patience
  }

  /**
   * Yields the objects from `fromSeq` on, and the late objects that fill their gaps. `endOf` returns the last seq that
   * must exist; it is called once all objects are listed.
   */
  async *fill(objects: AsyncIterable<T>, fromSeq: number, endOf: () => number): AsyncGenerator<T> {
    let next = fromSeq
    for await (const object of objects) {
      if (object.kind === 'row') {
        yield* await this.between(next, object.seq)
        next = Math.max(next, object.seq + 1)
      }
      yield object
    }
    yield* await this.between(next, endOf() + 1)
  }

  /** Returns the late objects from `fromSeq` on and before the seq `before`, ascending. */
  async between(fromSeq: number, before: number): Promise<T[]> {
    if (before <= fromSeq || before - fromSeq > MAX_UPLOADS_IN_FLIGHT) return []
    const found: T[] = []
    let missing = Array.from({ length: before - fromSeq }, (_, i) => fromSeq + i)
    for (const pause of PAUSES) {
      if (missing.length === 0 || !(await this.#mayFetch(missing.length, pause))) break
      const fetched = await Promise.all(missing.map((seq) => this.fetch(seq)))
      found.push(...fetched.filter(({ kind }) => kind === 'row'))
      missing = fetched.filter(({ kind }) => kind !== 'row').map(({ seq }) => seq)
    }
    return found.sort((a, b) => a.seq - b.seq)
  }

  async #mayFetch(objects: number, pause: number): Promise<boolean> {
    if (this.#fetches < objects || this.#patience < pause) return false
    this.#fetches -= objects
    this.#patience -= pause
    if (pause > 0) await sleep(pause, undefined, { signal: this.signal })
    return true
  }
}
