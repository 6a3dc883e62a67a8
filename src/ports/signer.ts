import type { StoredRow } from '../chain/fold.js'
import type { ChainRef } from '../chain/log/row-items.js'
import type { SignableRow } from '../chain/log/signed-row.js'

/** A row of the platform chain that has a relation of signed rows. Its signature was not checked, so it proves nothing yet. */
export interface StoredSignedRow extends SignableRow {
  readonly seq: number
}

/** A head that this log signed. Hashes are 64 hex digits. */
export interface SignedHead extends ChainRef {
  readonly size: number
  readonly root: string
  readonly entryHash: string
  /** The signed note (tlog.md, section 5), as a kept checkpoint holds it. */
  readonly note: string
}

/** A row of the index audit_checkpoint. The index is in the adversary's database: check the note before you use it. */
export interface IndexedHead extends SignedHead {
  /** The signed row of the platform chain with this head; absent where no row has it. */
  readonly platformSeq?: number | undefined
  /** Microseconds since 1970. */
  readonly signedAt: bigint
}

/** What the database says of one chain, compared with the index of signed heads. */
export interface ChainGrowth extends ChainRef {
  /** The seq of the last row. */
  readonly lastSeq: number
  /** The largest size in the index; 0 where it has none. */
  readonly indexedSize: number
}

/** How far a chain is signed, by the index alone. A forged index makes it say anything. */
export interface SignedState {
  readonly domainId: string
  /** The largest size in the index. */
  readonly signedSeq: number
  /** Seconds since that head was signed. */
  readonly ageSeconds: number
  /** The number of archived rows beyond that head. */
  readonly unsignedRows: number
  /** Seconds since the first of these rows was archived; absent where there is none. */
  readonly waitingSeconds?: number | undefined
}

/** What the database says of a chain and its signature, by the index, the stamps and the quarantine. It proves nothing. */
export interface SigningFacts {
  /** Absent where the index has no head of the chain. */
  readonly state?: SignedState | undefined
  /** The seq of the last row; 0 where there is none. */
  readonly lastSeq: number
  /** Whether a restore of the chain runs. */
  readonly isRestoring: boolean
  /** Whether the first row beyond the head has no archive stamp, and a later row has one. */
  readonly isHeld: boolean
  /** Whether the quarantine has a finding about a row beyond the head. */
  readonly hasFinding: boolean
}

/** Reads what can be said of the signatures of chains without their keys. */
export interface SigningLedger {
  /** Returns whether the index has any head. */
  isSigned(): Promise<boolean>
  facts(domainId: string): Promise<SigningFacts>
}

/** 256 hashes of one level of the tree of a chain (tlog.md, section 6). */
export interface TreeTile extends ChainRef {
  readonly level: number
  readonly index: number
  /** 8,192 bytes. */
  readonly hashes: Uint8Array
}

/** Signed heads that one row of the platform chain names, with that row. */
export interface HeadsRow {
  readonly row: SignableRow
  readonly heads: readonly SignedHead[]
}

/** What a chain has where it was signed. Hashes are hex digits. */
export interface RowsAtHead {
  /** The seq of the last row; 0 where there is none. */
  readonly lastSeq: number
  /** Whether a restore of the chain has begun and not ended. */
  readonly isRestoring: boolean
  /** The entry_hash of each row with the signed seq: one in a sound chain. */
  readonly entryHashes: readonly string[]
  /** The prev_hash of each row with the next seq. */
  readonly nextPrevHashes: readonly string[]
}

/** A condition of an append to the platform chain. */
export interface AppendGuard {
  /** The size that was signed. */
  readonly size: number
  /** Is called under the lock of the chain. Throws where nothing may be appended. */
  readonly judge: (rows: RowsAtHead) => void
}

/** The rows and indexes of the signer in PostgreSQL. */
export interface SignerStore {
  /**
   * Returns the chains that have a row with an archive stamp beyond the index, by one query; with `all`, every chain that has rows. The
   * platform chain is among them where it has grown. Only a look at all chains finds a chain whose head is missing or too low.
   */
  growth(all: boolean): Promise<readonly ChainGrowth[]>
  /**
   * Returns the rows of one relation on the platform chain that have the outer form of signed rows, ascending by seq; with `newest`, at
   * most that many of the last.
   */
  signedRows(relation: string, newest?: number): Promise<readonly StoredSignedRow[]>
  /** Returns the head of the largest size in the index; undefined where it has none of the chain. */
  newestHead(chain: ChainRef): Promise<IndexedHead | undefined>
  /** Returns the tiles of one level that the index has, from an index to another, both included, ascending. */
  tiles(
    chain: ChainRef,
    level: number,
    range: { readonly from: number; readonly to: number },
  ): Promise<readonly TreeTile[]>
  /** Returns which chains the rows of relation audit.chain-create on the platform chain name, the platform chain included. */
  createdChains(): Promise<readonly string[]>
  /** Inserts tiles that the index lacks. An existing tile stays. */
  putTiles(tiles: readonly TreeTile[]): Promise<void>
  /**
   * Appends signed rows to the platform chain in one transaction under its lock, with the subject of its row 1, and inserts their
   * heads into the index. Returns the seqs, in the order given. Rejects as an append does, with what the guard throws, and with
   * `nothing_to_sign` where there is no platform chain. A commit whose outcome is unknown can be repeated: a row that is there twice says nothing new.
   */
  append(rows: readonly HeadsRow[], guard?: AppendGuard): Promise<readonly number[]>
  /** Inserts heads into the index that no signed row names yet, such as one of the platform chain. An existing head stays. */
  index(heads: readonly SignedHead[]): Promise<void>
}

/** Rows of one chain. */
export interface RowRange {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq: number
}

/** A snapshot of a range of the rows of one chain. */
export interface ChainRows {
  /** The last row of the chain, which may lie outside the range; 0 where there is none. */
  readonly lastSeq: number
  /** Whether a restore of the chain has begun and not ended. */
  readonly isRestoring: boolean
  /** Ranges of seqs in the range without an archive stamp, ascending: first, last, first, last. */
  readonly unstamped: ArrayLike<number>
  /** Yields the rows of the range and the row before it, ascending, in batches. Can be read once. */
  rows(): AsyncIterable<readonly StoredRow[]>
  close(): Promise<void>
}

/** Opens snapshots of chains. */
export interface ChainReader {
  snapshot(range: RowRange, signal: AbortSignal): Promise<ChainRows>
}

/** A record of the signer's state as text (tlog.md, section 7). */
export interface StoredRecord {
  readonly k: number
  readonly text: string
}

/** The records of what a signer promised to sign, in a folder of this machine. Rejects with `signer_state_missing`. */
export interface SignerStates {
  /** Returns the path of a record, for messages. */
  pathOf(origin: string, k: number): string
  /** Returns the highest record of a tree; undefined where there is none. */
  newest(origin: string): Promise<StoredRecord | undefined>
  /**
   * Creates record k durably and lists the folder. Resolves with whether it is ours and the highest: only then may the process
   * sign. Removes all records but the two highest.
   */
  create(origin: string, record: StoredRecord): Promise<boolean>
}

/** An Ed25519 key pair of one tree. */
export interface TreeKey {
  readonly origin: string
  readonly publicKey: Uint8Array
  /** Returns the 64 bytes of the signature. */
  sign(message: Uint8Array): Uint8Array
}

/** The keys of one log, all derived from one key file. */
export interface LogKeys {
  readonly logName: string
  /** Returns the key of a chain in its incarnation. */
  of(chain: ChainRef): TreeKey
}
