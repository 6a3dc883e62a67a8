import type { ReadEntry } from '../ports/query.js'
import type { MirrorChain } from './mirror-chain.js'

/** The seqs that a walk reads. */
export interface Steps {
  /** Returns the next seq as if no row were missing; undefined at the end of the range. Absent: the end is not known. */
  readonly guess?: (() => number | undefined) | undefined
  /** Yields the rest of the seqs from the listing, once the row `missing` was not there. */
  listed(missing: number): AsyncGenerator<number>
}

/** What a mirror has under the key of a row. */
export interface Fetched {
  readonly kind: 'row' | 'none'
  readonly seq: number
  readonly row?: ReadEntry | undefined
}

/** The seqs from `from` to `upTo`. */
export function upwards(chain: MirrorChain, from: number, upTo: number): Steps {
  let last = from - 1
  return {
    guess: () => (last < upTo ? ++last : undefined),
    async *listed(missing) {
      for await (const seq of chain.seqsAfter(missing)) {
        if (seq > upTo) return
        if (seq > last) yield seq
      }
    },
  }
}

/** The seqs from `upTo`, or from the end of the chain, down to 1. */
export function downwards(chain: MirrorChain, upTo: number | undefined): Steps {
  let last = (upTo ?? Number.MAX_SAFE_INTEGER) + 1
  const below = () => {
    if (last <= 1) return undefined
    last -= 1
    return last
  }
  return {
    guess: upTo === undefined ? undefined : below,
    async *listed() {
      const ranges = await chain.seqRanges(last - 1)
      for (let seq = ranges.popBelow(last); seq > 0; seq = ranges.popBelow(seq)) yield seq
    },
  }
}

/** Rows that are passed on at once, because passing one costs as much as passing many. */
const BATCH = 16

/**
 * Yields the rows that exist among the steps, in the order of the steps and in batches. Reads `ahead` objects at once. Rejects
 * when the mirror cannot be read, after it has yielded the rows before the break.
 */
export async function* rowsOf(
  chain: MirrorChain,
  steps: Steps,
  ahead: number,
): AsyncGenerator<readonly ReadEntry[]> {
  const fetching: Promise<Fetched>[] = []
  const seqs = new StepReader(steps)
  try {
    for (;;) {
      while (!seqs.isEnd && fetching.length < ahead) {
        const seq = await seqs.next()
        if (seq !== undefined) fetching.push(fetchRow(chain, seq))
      }
      if (fetching.length === 0) return
      const { rows, broken } = await batchOf(fetching.splice(0, BATCH), seqs)
      if (rows.length > 0) yield rows
      if (broken !== undefined) throw broken.error
    }
  } finally {
    await Promise.allSettled([...fetching, seqs.close()])
  }
}

async function batchOf(
  fetching: readonly Promise<Fetched>[],
  seqs: StepReader,
): Promise<{ rows: readonly ReadEntry[]; broken?: { readonly error: unknown } }> {
  const rows: ReadEntry[] = []
  try {
    for (const one of fetching) {
      const { seq, row } = await one
      if (row === undefined) seqs.missing(seq)
      else rows.push(row)
    }
    return { rows }
  } catch (error) {
    return { rows, broken: { error } }
  }
}

/** Guesses seqs until a row is missing, and reads them from the listing from then on. */
class StepReader {
  readonly #steps: Steps
  #listed: AsyncGenerator<number> | undefined
  isEnd = false

  constructor(steps: Steps) {
    this.#steps = steps
    if (steps.guess === undefined) this.#listed = steps.listed(0)
  }

  async next(): Promise<number | undefined> {
    const seq = this.#listed === undefined ? this.#steps.guess?.() : (await this.#listed.next()).value
    this.isEnd = seq === undefined
    return seq as number | undefined
  }

  missing(seq: number): void {
    if (!this.isEnd) this.#listed ??= this.#steps.listed(seq)
  }

  async close(): Promise<void> {
    await this.#listed?.return(undefined)
  }
}

/** Reads the object under the key of one row. */
export function fetchRow(chain: MirrorChain, seq: number): Promise<Fetched> {
  const fetched = chain
    .read(seq)
    .then((row): Fetched => ({ kind: row === undefined ? 'none' : 'row', seq, row }))
  // Mark the rejection as handled: the promise is awaited later.
  fetched.catch(() => undefined)
  return fetched
}
