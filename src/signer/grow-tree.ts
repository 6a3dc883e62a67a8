import { nodeTreeHasher } from '../base/crypto/node-tree-hasher.js'
import type { Finding } from '../chain/finding.js'
import { ChainFold, type StoredRow } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import type { SignerState } from '../chain/log/signer-state.js'
import { Frontier } from '../chain/tree/frontier.js'
import { type Holes, leafData, type SeqRange } from '../chain/tree/holes.js'
import { type FilledTile, TILE_WIDTH, TileBuilder } from '../chain/tree/tiles.js'

/** A tree of one chain, as a record of the signer holds it. */
export type Tree = Pick<SignerState, 'size' | 'root' | 'lastEntryHash' | 'path' | 'frontier'>

export interface GrowRequest {
  readonly domainId: string
  /** The tree that grows; absent for a chain that has none yet. */
  readonly from?: Tree | undefined
  /** The last row. It has data, so it is in no hole. */
  readonly to: number
  readonly holes: Holes
  readonly hasher: Hasher
}

export interface Grown {
  /** Absent where no row was added. */
  readonly tree?: Tree | undefined
  readonly filled: readonly FilledTile[]
  /** The leaf hashes of the lowest open tile before the first new leaf, where the rows from its begin on were added. */
  readonly older: readonly Uint8Array[]
  /** What the fold found at the row after the last one that was added. */
  readonly findings: readonly Finding[]
  /** The first row that this program cannot judge, of a newer generation of the format. */
  readonly unchecked?: number | undefined
}

/** Returns the first row of the lowest open tile of a tree with this size. */
export function tileStart(size: number): number {
  return size - (size % TILE_WIDTH) + 1
}

/**
 * Judges the rows of one chain in order of seq, and adds the sound ones to its tree, up to the first finding. Rows in holes are
 * skipped: nothing is known of them, and their findings stay.
 */
export class TreeGrower {
  readonly #request: GrowRequest
  readonly #size: number
  readonly #tiles: TileBuilder
  readonly #frontier: Frontier
  readonly #stretches: SeqRange[]
  readonly #older: LeafRow[] = []
  #fold: ChainFold | undefined
  /** The row that was judged last. It is added once the next one shows that there is no second row with its seq. */
  #pending: LeafRow | undefined
  #last: string | undefined
  #findings: readonly Finding[] = []
  #unchecked: number | undefined
  #isOver = false

  constructor(request: GrowRequest) {
    const { from, to, holes } = request
    this.#request = request
    this.#size = from?.size ?? 0
    this.#tiles = new TileBuilder(this.#size)
    const roots = (from?.frontier ?? []).map(bytesOf)
    this.#frontier = new Frontier(nodeTreeHasher, this.#size, roots, this.#tiles.onSubtree)
    this.#stretches = holes.outside(this.#size + 1, to)
    this.#fold = this.#nextFold()
  }

  /** Whether no further row is looked at. */
  get isOver(): boolean {
    return this.#isOver
  }

  add(row: StoredRow): void {
    if (this.#isOver || row.seq > this.#request.to || row.seq < 1) return
    if (row.seq <= this.#size) this.#addOlder(row)
    else if (this.#request.holes.at(row.seq) === undefined) this.#addNew(row)
  }

  finish(): Grown {
    while (!this.#isOver && this.#fold !== undefined) this.#endStretch()
    const { size } = this.#frontier
    const grown = { filled: this.#tiles.take(), older: this.#olderLeaves(), findings: this.#findings }
    const unchecked = this.#unchecked === undefined ? {} : { unchecked: this.#unchecked }
    return size === this.#size ? { ...grown, ...unchecked } : { ...grown, ...unchecked, tree: this.#tree() }
  }

  #addOlder(row: StoredRow): void {
    const { seq, prevHash, entryHash } = row
    // With its bytes, the fold also knows the time that the next row must not be before.
    if (seq === this.#size && entryHash === this.#request.from?.lastEntryHash)
      this.#fold = this.#nextFold(row)
    const isInTile = seq >= tileStart(this.#size) && this.#request.holes.at(seq) === undefined
    if (!isInTile || prevHash === undefined || entryHash === undefined) return
    this.#older.push({ seq, prevHash: bytesOf(prevHash), entryHash: bytesOf(entryHash), text: entryHash })
  }

  #addNew(row: StoredRow): void {
    while (row.seq > (this.#stretches[0]?.to ?? Number.POSITIVE_INFINITY)) {
      this.#endStretch()
      if (this.#isOver) return
    }
    if (row.unknownGeneration !== undefined) {
      this.#unchecked = row.seq
      this.#takePending()
      this.#isOver = true
      return
    }
    this.#fold?.add(row)
    if (this.#fold?.isIntact !== true) {
      this.#stopAt(this.#fold?.soFar().findings ?? [])
      return
    }
    this.#takePending()
    const { seq, prevHash = '', entryHash = '' } = row
    this.#pending = { seq, prevHash: bytesOf(prevHash), entryHash: bytesOf(entryHash), text: entryHash }
  }

  /** Ends a stretch of rows without a hole: rows that are missing before its end are a finding. */
  #endStretch(): void {
    const { findings } = this.#fold?.finish(this.#stretches[0]?.to) ?? { findings: [] }
    if (findings.length > 0) {
      this.#stopAt(findings)
      return
    }
    this.#takePending()
    this.#stretches.shift()
    this.#fold = this.#nextFold()
  }

  #stopAt(findings: readonly Finding[]): void {
    const first = Math.min(...findings.map(({ seqFrom }) => seqFrom))
    if (this.#pending !== undefined && this.#pending.seq < first) this.#takePending()
    this.#findings = findings
    this.#isOver = true
  }

  #takePending(): void {
    const row = this.#pending
    if (row === undefined) return
    for (const data of leafData(this.#frontier.size, [row])) this.#frontier.append(data)
    this.#last = row.text
    this.#pending = undefined
  }

  /** Only the first stretch after a signed row links to it: the row before the stretch after a hole is not known. */
  #nextFold(before?: StoredRow): ChainFold | undefined {
    const [stretch] = this.#stretches
    if (stretch === undefined) return undefined
    const { domainId, hasher, from } = this.#request
    const fold = new ChainFold({ fromSeq: stretch.from, domainId, hasher })
    if (from !== undefined && stretch.from === from.size + 1)
      fold.add(before ?? { seq: from.size, entryHash: from.lastEntryHash })
    return fold
  }

  #olderLeaves(): Uint8Array[] {
    const begin = tileStart(this.#size) - 1
    return [...leafData(begin, this.#older)].map((data) => nodeTreeHasher.leaf(data))
  }

  #tree(): Tree {
    const path = this.#frontier.lastPath() ?? []
    return {
      size: this.#frontier.size,
      root: textOf(this.#frontier.root() ?? new Uint8Array()),
      lastEntryHash: this.#last ?? '',
      path: path.map(textOf),
      frontier: this.#frontier.roots.map(textOf),
    }
  }
}

interface LeafRow {
  readonly seq: number
  readonly prevHash: Uint8Array
  readonly entryHash: Uint8Array
  /** The entry_hash as text. */
  readonly text: string
}

function bytesOf(hash: string): Uint8Array {
  return Buffer.from(hash, 'hex')
}

function textOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
