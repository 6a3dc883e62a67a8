import type { KeysBy } from '../chain/log/key-book.js'

/** Where a signed head was read. */
export type HeadPlace =
  /** A signed row of the platform chain. */
  | { readonly kind: 'row'; readonly seq: number }
  /** A kept checkpoint in the mirror of the chain, by its key there. */
  | { readonly kind: 'kept'; readonly key: string }
  /** A file that the command names. */
  | { readonly kind: 'file'; readonly path: string }

/** The known key that signed a head. */
export interface HeadSigner {
  readonly by: KeysBy
  /** 8 hex digits. */
  readonly keyId: string
  /** The log name in the origin of the key. */
  readonly logName: string
}

/** What one statement says about a chain: its row `size` has this entry_hash. */
export interface StatedHead {
  readonly size: number
  /** 64 hex digits. */
  readonly entryHash: string
  readonly place: HeadPlace
  /**
   * Checks the signature, once, and returns who signed; undefined where no known key did. A check takes 0.1 ms, so that it is made
   * only for a head that decides something.
   */
  signer(): HeadSigner | undefined
}

/** The heads of one chain that a verifier has read before it reads rows (tlog.md, section 8). */
export interface StatedHeads {
  readonly heads: readonly StatedHead[]
  /** Returns how many checkpoints of this chain only unknown keys signed, by key id. */
  unknownKeys(): ReadonlyMap<string, number>
  /** Returns how many rows have a relation of signed rows and are not the log's own, by relation. */
  foreignRows(): ReadonlyMap<string, number>
  /**
   * Returns all heads with sizes above `after` and below `before`, where `heads` is a selection, to find where a difference begins.
   * Absent where `heads` has all there are.
   */
  between?(after: number, before: number): Promise<readonly StatedHead[]>
}
