import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { ByteRow } from '../../chain/fast-path.js'
import type { StoredRow } from '../../chain/fold.js'
import { asHash } from '../../chain/hash.js'
import { HASH_BYTES } from '../../chain/layout.js'
import { Frontier } from '../../chain/tree/frontier.js'
import { Holes, leafData } from '../../chain/tree/holes.js'
import type { TreeHasher } from '../../chain/tree/tree-hash.js'
import type { RowObserver } from '../../ports/verify.js'

/** Hashes the tree of a chain beside the fold, up to the largest of some sizes, and keeps the root of each, with the entry_hash of its last row. */
export class TreeRoots implements RowObserver {
  readonly #hasher: TreeHasher
  readonly #holes: Holes
  readonly #last: number
  readonly #sizes: ReadonlySet<number>
  readonly #trees = new Map<number, { readonly root: string; readonly entryHash: string }>()
  #tree: Frontier
  /** Whether a row came out of its order, so that no larger tree is known. */
  #isBroken = false

  /** `next` receives the rows too. */
  constructor(
    sizes: readonly number[],
    hasher: TreeHasher,
    holes: Holes = new Holes(),
    readonly next?: RowObserver,
  ) {
    this.#hasher = hasher
    this.#holes = holes
    this.#sizes = new Set(sizes)
    this.#last = Math.max(0, ...sizes)
    this.#tree = new Frontier(hasher)
  }

  /** Returns the tree of the first `size` rows; undefined where not all of them were read. */
  at(size: number): { readonly root: string; readonly entryHash: string } | undefined {
    return this.#trees.get(size)
  }

  add(row: ByteRow): void {
    const { seq, bytes, prevAt, entryAt } = row
    if (this.#wants(seq)) {
      const at = (start: number) => Uint8Array.from(bytes.subarray(start, start + HASH_BYTES))
      this.#append(seq, at(prevAt), at(entryAt))
    }
    this.next?.add(row)
  }

  addStored(row: StoredRow): void {
    if (this.#wants(row.seq)) {
      const [prev, entry] = [asHash(row.prevHash), asHash(row.entryHash)]
      if (prev === undefined || entry === undefined) this.#isBroken = true
      else this.#append(row.seq, hexToBytes(prev), hexToBytes(entry))
    }
    this.next?.addStored(row)
  }

  restart(): void {
    this.#tree = new Frontier(this.#hasher)
    this.#trees.clear()
    this.#isBroken = false
    this.next?.restart()
  }

  /** The row before the segment and the rows of a hole have no leaf of their own. */
  #wants(seq: number): boolean {
    return !this.#isBroken && seq >= 1 && seq <= this.#last && this.#holes.at(seq) === undefined
  }

  #append(seq: number, prevHash: Uint8Array, entryHash: Uint8Array): void {
    const { size } = this.#tree
    this.#isBroken = seq !== size + 1 && !(this.#holes.at(seq - 1)?.from === size + 1 && seq > size)
    if (this.#isBroken) return
    for (const data of leafData(size, [{ seq, prevHash, entryHash }])) {
      this.#tree.append(data)
      const root = this.#sizes.has(this.#tree.size) ? this.#tree.root() : undefined
      if (root !== undefined)
        this.#trees.set(this.#tree.size, { root: bytesToHex(root), entryHash: bytesToHex(data) })
    }
  }
}
