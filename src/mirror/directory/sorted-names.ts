import { AuditError } from '../../base/errors.js'
import { Numbers } from '../../chain/numbers.js'
import { nameOfSeq, seqOfName } from '../object/key.js'

const MAX_OTHERS = 1_000_000

/**
 * The names of one folder, in order. Nearly all are the names of rows, which are kept as numbers of 8 bytes each: a string
 * takes 60 bytes, and a million strings take four times as long to sort.
 */
export class SortedNames {
  readonly #seqs = new Numbers()
  readonly #others: string[] = []

  /** Throws `mirror_unavailable` where more than a million names are none of rows: they would fill the memory. */
  add(name: string): void {
    const seq = seqOfName(name)
    if (seq !== undefined) this.#seqs.push(seq)
    else if (this.#others.push(name) > MAX_OTHERS)
      throw new AuditError(
        'mirror_unavailable',
        `more than ${MAX_OTHERS} names of a folder are no keys of rows`,
      )
  }

  /** The number of names that have the form of a row's name. */
  get rows(): number {
    return this.#seqs.length
  }

  /** Yields the names ascending by UTF-16 units, which are bytes in latin1. Call it after the last `add`. */
  *sorted(): Generator<string> {
    const others = this.#others.sort()
    let at = 0
    for (const seq of this.#seqs.all().sort()) {
      const name = nameOfSeq(seq)
      for (; at < others.length && (others[at] ?? '') < name; at += 1) yield others[at] ?? ''
      yield name
    }
    yield* others.slice(at)
  }
}
