import { Numbers } from '../../chain/numbers.js'
import { nameOfSeq, seqOfName } from '../object/key.js'

/**
 * The names of one folder, in order. Nearly all are the names of rows, which are kept as numbers of 8 bytes each: a string
 * takes 60 bytes, and a million strings take four times as long to sort.
 */
export class SortedNames {
  readonly #seqs = new Numbers()
  readonly #others: string[] = []

  add(name: string): void {
    const seq = seqOfName(name)
    if (seq === undefined) this.#others.push(name)
    else this.#seqs.push(seq)
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
