import { Holes } from '../../chain/tree/holes.js'
import type { TreeHasher } from '../../chain/tree/tree-hash.js'
import type { HeadPlace, StatedHead, StatedHeads } from '../../ports/log/heads.js'
import type { RowObserver } from '../../ports/verify.js'
import type { Verdict } from '../verdict.js'
import { type GivenCheckpoint, givenOfChain } from './given-notes.js'
import { type JudgedRoots, judgeRoots } from './judge-roots.js'
import { TreeRoots } from './tree-roots.js'

/** The signed heads of one chain in a run: those that were read, and those in the checkpoints that the command names. */
export class ChainHeads {
  /** All heads, to be compared with the rows. */
  readonly stated: StatedHeads
  /** Receives the rows, where a tree has to be hashed or the caller follows them. */
  readonly observer: RowObserver | undefined
  readonly #roots: ReturnType<typeof givenOfChain>['roots']
  readonly #unproven: readonly string[]
  /** The checkpoints of the command that a known key signed, and the root in the index. */
  readonly #given: readonly StatedHead[]
  readonly #trees: TreeRoots | undefined

  constructor(
    stated: StatedHeads,
    given: readonly GivenCheckpoint[],
    {
      hasher,
      observer,
      refuse,
    }: {
      readonly hasher: TreeHasher
      readonly observer: RowObserver | undefined
      /** Throws for a checkpoint with a line of a known key that is not valid. */
      readonly refuse: (given: GivenCheckpoint) => never
    },
  ) {
    const { heads, roots, unproven } = givenOfChain(given, stated, refuse)
    this.#given = heads
    this.stated = this.withGiven(stated)
    this.#roots = roots
    this.#unproven = unproven
    const sizes = roots.map(({ size }) => size)
    const holes = new Holes(roots.length === 0 ? [] : stated.signedOver())
    this.#trees = roots.length === 0 ? undefined : new TreeRoots(sizes, hasher, holes, observer)
    this.observer = this.#trees ?? observer
  }

  /** Returns heads that were read again, with those in the checkpoints that the command names. */
  withGiven(stated: StatedHeads): StatedHeads {
    return this.#given.length === 0 ? stated : { ...stated, heads: [...stated.heads, ...this.#given] }
  }

  /**
   * Compares the trees of the rows with the signed roots. Call it with the verdict on the rows that the observer has received.
   * `isFiltered`: whether rows of the segment were left out.
   */
  judge(scanned: Verdict, isFiltered = false): JudgedRoots {
    const trees = this.#trees
    const areHolesKnown = trees !== undefined && this.stated.signedOver() !== undefined
    const at = (size: number) => trees?.at(size)
    const { verdict, unproven } = judgeRoots(scanned, this.#roots, { at, areHolesKnown })
    const pinning = this.#given.filter(({ entryHash }) => entryHash !== undefined)
    const unread = isFiltered ? pinning : pinning.filter((head) => !isInRows(head, scanned))
    const notRead = unread.map(
      ({ size, place }) => `the checkpoint ${pathOf(place)} is about row ${size}, which was not read`,
    )
    return { verdict, unproven: [...this.#unproven, ...unproven, ...notRead] }
  }
}

function isInRows({ size }: StatedHead, { segmentFrom, toSeq = size }: Verdict): boolean {
  return size >= segmentFrom - 1 && size <= toSeq
}

function pathOf(place: HeadPlace): string {
  return place.kind === 'file' ? place.path : ''
}
