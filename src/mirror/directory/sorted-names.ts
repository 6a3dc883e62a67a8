import { Numbers } from '../../chain/numbers.js'
import { nameOfSeq, seqOfName } from '../object/key.js'

/**
 * The names of one folder, to be had in order. Nearly all are those of rows, and as numbers they take 8 bytes each: a
 * string takes 60, and sorting a million of those takes four times as long.
 */
export class SortedNames {
  readonly #seqs = new Numbers()
  readonly #others: string[] = []

  add(name: string): void {
    const seq = seqOfName(name)
    if (seq === undefined) this.#others.push(name)
    else this.#seqs.push(seq)
  }

  /** Ascending by UTF-16 units, which are bytes where names are latin1. Nothing is to be added any more. */
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
