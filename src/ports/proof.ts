import type { LogRow } from '../chain/log/log-rows.js'
import type { ChainRef } from '../chain/log/row-items.js'

/** A signed checkpoint that a copy of a chain offers. Its signature was not checked, so it proves nothing yet. */
export interface OfferedHead {
  readonly note: string
  /** The last leaf and its path, where the copy has them. */
  readonly last?: { readonly entryHash: Uint8Array; readonly path: readonly Uint8Array[] } | undefined
}

/** Which sizes are looked for. */
export interface SizeRange {
  readonly atLeast: number
  /** Absent: no upper bound. */
  readonly atMost?: number | undefined
}

/** Tiles of one level of the tree of a chain, from a number up to another one, which is not included. */
export interface TileRange extends ChainRef {
  readonly level: number
  readonly from: number
  readonly to: number
}

/** The hashes of a stored row, 64 hex digits where the row was not tampered with. */
export interface RowHashes {
  readonly seq: number
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
}

/**
 * What a copy of the log has for the proof of a row. Nothing here was checked: a reader compares it with a signature or a signed
 * root. Calls reject with the errors of the copy.
 */
export interface ProofSource {
  readonly name: 'postgres' | 'mirror'
  /** The name of the copy for messages. */
  readonly where: string
  /** Whether the rows of one relation are found without reading all others. */
  readonly isIndexed: boolean
  /** Yields the checkpoints of a chain, the largest size first. Their number is bounded. */
  heads(domainId: string, sizes: SizeRange): AsyncIterable<OfferedHead>
  /** Returns stored tiles by their number. Absent where the copy keeps no tiles. */
  tiles?: ((range: TileRange) => Promise<ReadonlyMap<number, Uint8Array>>) | undefined
  /** Yields the stored rows from a seq to another, both included, ascending. */
  rows(domainId: string, from: number, to: number): AsyncIterable<RowHashes>
  /** Returns the rows and key statements that may name the keys of a chain. */
  keyRows(domainId: string): Promise<readonly LogRow[]>
  /** Returns the rows of the platform chain that may say where the trees of this log have holes. */
  signedOverRows(): Promise<readonly LogRow[]>
}
