import type { KeysBy } from '../../chain/log/key-book.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import type { ChainRef, RowsItem } from '../../chain/log/row-items.js'
import type { Note } from '../../chain/note/note.js'
import type { Cosignature } from '../../chain/note/signers.js'

/** Where a signed head was read. */
export type HeadPlace =
  /** A signed row of the platform chain. */
  | { readonly kind: 'row'; readonly seq: number }
  /** A kept checkpoint in the mirror of the chain, by its key there. */
  | { readonly kind: 'kept'; readonly key: string }
  /** A file that the command names. */
  | { readonly kind: 'file'; readonly path: string }
  /** The index of the signer, whose notes are signed. */
  | { readonly kind: 'index' }

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
  /** 64 hex digits. Undefined where a root alone was signed: then the statement says only that there are so many rows. */
  readonly entryHash: string | undefined
  readonly place: HeadPlace
  /**
   * Checks the signature, once, and returns who signed; undefined where no known key did. A check takes 0.1 ms, so that it is made
   * only for a head that decides something.
   */
  signer(): HeadSigner | undefined
}

/** A note of one chain, as it was read. */
export interface ReadNote extends ChainRef {
  readonly origin: string
  readonly logName: string
  readonly size: number
  readonly note: Note
}

/** A signed root of the first `size` rows of a chain. */
export interface SignedRoot {
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
  readonly place: HeadPlace
  readonly signer: HeadSigner
}

/** Who signed a note. */
export interface NoteSigners {
  /** Absent where no known key of the log did. */
  readonly signer?: HeadSigner | undefined
  /** By witnesses of the policy. */
  readonly cosignatures: readonly Cosignature[]
  /** The key ids of the other lines. */
  readonly unknown: readonly string[]
}

/** The heads of one chain that a verifier has read before it reads rows (tlog.md, section 8). */
export interface StatedHeads {
  readonly heads: readonly StatedHead[]
  /** Returns how many checkpoints of this chain only unknown keys signed, by key id. */
  unknownKeys(): ReadonlyMap<string, number>
  /** Returns how many rows have a relation of signed rows and are not the log's own, by relation. */
  foreignRows(): ReadonlyMap<string, number>
  /** Returns who signed a note of this chain; undefined where a line of a known key is not valid. */
  signersOf(note: ReadNote): NoteSigners | undefined
  /** Returns the rows of this chain that were signed over; undefined where the rows that say so were not read. */
  signedOver(): readonly RowsItem[] | undefined
  /** The newest signed root in the index of the signer, where no other head of the chain is signed. It pins no entry_hash. */
  readonly indexed?: SignedRoot | undefined
  /** How many objects below the folder of the chain in `tlog/` are no checkpoints of it. */
  readonly foreignObjects?: number | undefined
  /**
   * Returns all heads with sizes between those of two heads, where `heads` is a selection, to find where a difference begins.
   * `after` is absent for the start of the chain. Absent where `heads` has all there are.
   */
  between?(after: StatedHead | undefined, before: StatedHead): Promise<readonly StatedHead[]>
}

/** Reads the signed heads of one chain. Call it before the rows of the chain are read. */
export type HeadsOf = (domainId: string, signal: AbortSignal) => Promise<StatedHeads>

/** A row of the platform chain with a relation of signed rows that says nothing about the chain that was asked for. */
export interface OtherRow {
  readonly relation: string
  /** Its last item, which holds a signature in a signed row. */
  readonly lastItem: string
  /** How many there are. */
  readonly rows: number
}

/** The signed rows that a run takes statements from. No signature was checked. */
export interface StatementRows {
  readonly rows: readonly LogRow[]
  /** The rows beside them, which are counted and not read. */
  readonly others: readonly OtherRow[]
  /** The heads of the one chain that the index names, largest first. */
  readonly named?: readonly NamedHead[] | undefined
  /** The seq from which on all rows with heads were looked at; absent where that is not known. */
  readonly headsFrom?: number | undefined
  /** False where there are more rows about holes than were read. */
  readonly areHolesKnown?: boolean | undefined
}

/** A head by the index of the signer. The index lies in the database that is verified, so this is a hint where to look. */
export interface NamedHead {
  readonly size: number
  /** The row of the platform chain that is said to have the head. */
  readonly seq: number
}

/** The signed rows in PostgreSQL. Read them before any chain is read. */
export interface StatementStore {
  /**
   * Returns rows about one chain: those with keys and holes, those with heads among the newest 1,000 of relation audit.checkpoint, and
   * those that the index names.
   */
  ofChain(domainId: string): Promise<StatementRows>
  /** Returns the largest notes of the platform chain in the index, largest first. */
  platformNotes(): Promise<readonly string[]>
  /** Returns rows about all chains: those with keys and holes, the last ones with heads of each UTC day, and the newest 1,000. */
  ofAll(): Promise<StatementRows>
  /** Passes the rows with heads of one chain, or of all, to `take`: newest first, between two seqs, some at a time. */
  headsNewestFirst(
    domainId: string | undefined,
    range: { readonly above: number; readonly below: number },
    take: (rows: readonly LogRow[]) => void,
  ): Promise<void>
  /** Returns the rows with heads of one chain, from one seq of the platform chain to another. */
  headsBetween(
    domainId: string,
    range: { readonly from: number; readonly to: number },
  ): Promise<readonly LogRow[]>
}
