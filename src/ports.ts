import type { ChainedEntry, ChainHead, Entry } from './chain/entry.js'
import type { Finding } from './chain/finding.js'
import type { FoldResult, StoredRow } from './chain/fold.js'
import type { LastRow } from './chain/head.js'
import type { Reason } from './chain/reason.js'
import type { AuditError } from './errors.js'

/** Where a row came from. */
export type SourceName = 'postgres' | 'mirror' | 'both'

/** The secret of a Domain that pseudonyms are derived with. */
export interface Pepper {
  /**
   * The 32 bytes of one Domain. Resolved on every call and never kept by the caller beyond one operation. Rejects
   * with `pepper_unavailable` rather than ever giving another value. Safe to call at once.
   */
  pepperOf(domainId: string): Promise<Uint8Array>
}

/** The key that list cursors are signed with (format.md, "Cursor"); 32 bytes. */
export interface CursorKey {
  cursorKey(): Promise<Uint8Array>
}

/** Which chains own a row. */
export interface DomainResolver {
  /**
   * The chains of an entry that names none itself: domain ids, the platform anchor among them. Rejects with
   * `residency_unknown` where that cannot be told: an entry is never put on a chain by guess.
   */
  resolve(subjectId: string, object: string): Promise<readonly string[]>
}

/** Personal data of a subject, kept off the chain and erasable. */
export interface SubjectPii {
  readonly identityId?: string | undefined
  readonly plaintext?: string | undefined
  readonly emailClaim?: string | undefined
  readonly sourceIp?: string | undefined
  readonly idpClaimNames?: readonly string[] | undefined
}

/** The circumstances of one row, kept off the chain and erasable. */
export interface RequestContext {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** One row to be appended to one chain; all but its place there (seq, recorded_at, hashes). */
export interface NewRow extends Omit<Entry, 'seq' | 'recordedAt'> {
  readonly subject?: SubjectPii | undefined
  readonly context?: RequestContext | undefined
}

/** Where a row was put. */
export interface Placed {
  readonly domainId: string
  readonly seq: number
  readonly entryHash: string
  readonly recordedAt: bigint
}

/** How a chain begins that is not there yet. */
export interface ChainStart {
  readonly genesis: NewRow
  /** The registry entry of a new Domain; the platform chain has none, and is started by the first row it gets. */
  readonly registration?: { readonly name: string; readonly mirrorUrl?: string | undefined } | undefined
}

/** The rows that stand or fall together, one on each chain concerned. */
export interface AppendItem {
  readonly rows: readonly NewRow[]
  /** By domain id: the pseudonym that the genesis row must carry, else the item is refused with `pepper_mismatch`. */
  readonly genesisPseudonyms: ReadonlyMap<string, string>
  /** Chains that this item may begin. One with a registration must be new, else `domain_exists`. */
  readonly starts?: ReadonlyMap<string, ChainStart>
}

/** What became of one item: where its rows were put, or why it was refused. */
export type Appended = readonly Placed[] | AuditError

export interface EntryStore {
  /**
   * Appends items in one transaction, in the order given, and resolves when it is durable. Each item's result is its
   * own: one that is refused leaves the others standing or, with `atRefusal: 'stop'`, is the last result, and nothing
   * after it is appended. A started chain's genesis row comes first in its item's result. Rejects when nothing was
   * written, or with `outcome_unknown` when the connection was lost while committing. Safe to call at once: appends
   * to one chain queue up, several chains are locked in one fixed order.
   */
  append(items: readonly AppendItem[], atRefusal: AtRefusal): Promise<readonly Appended[]>
}

/** Whether what comes after a refused item is still appended. */
export type AtRefusal = 'stop' | 'continue'

/** What to read of a chain. */
export interface ScanRequest {
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  readonly pins: readonly ChainHead[]
}

/** What one source holds of one chain, all of one snapshot. */
export interface Scan {
  /** Whether the source's own registry, or the platform chain, knows this Domain. */
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** Where the longer copy ends; only where both copies were read. */
  readonly end?: number | undefined
  /** Rows without an archive stamp and without an object; only where both copies were read. */
  readonly unarchived?: number | undefined
  readonly fold: FoldResult
}

export interface ScanProgress {
  readonly rows: number
  /** Rows to come altogether, where known. */
  readonly total?: number | undefined
}

export interface EntrySource {
  readonly name: SourceName
  /** Whether it has the chain head apart from the rows, so that a cut tail shows by itself. */
  readonly keepsHead: boolean
  /**
   * Reads and folds the rows of one segment, and the row before it. Rejects when something could not be read: a
   * Scan that resolves has seen everything.
   */
  scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan>
}

/**
 * One stored row as the read surface sees it. A row may have been forced into the table past every CHECK: a field is
 * absent where it was NULL, or an array that the format cannot hold.
 */
export interface ReadEntry {
  readonly domainId: string
  /** 1 to 2^53-1: a reader leaves out rows beyond; verify is what reports them. */
  readonly seq: number
  readonly generation?: number | undefined
  /** Lower-case hex, like the hashes; of any length. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object?: string | undefined
  /** 1 to 4, or whatever was forced into the table. */
  readonly reason?: number | undefined
  readonly relationPath?: readonly string[] | undefined
  readonly caveatContext?: readonly string[] | undefined
  readonly correlationId?: string | undefined
  readonly zedtoken?: string | undefined
  /** Microseconds since 1970-01-01T00:00:00Z; an infinite time is itself. */
  readonly recordedAt?: ReadTime | undefined
  readonly prevHash?: string | undefined
  readonly entryHash?: string | undefined
  readonly archivedAt?: ReadTime | undefined
  readonly archiveEtag?: string | undefined
  /** Absent once erased, and where none was given. */
  readonly identityId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

export type ReadTime = bigint | 'infinity' | '-infinity'

/** What rows to list, all of it ANDed; what is absent does not filter. */
export interface EntryFilter {
  /** 64 lower-case hex digits. */
  readonly subjectPseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly objectType?: string | undefined
  readonly objectId?: string | undefined
  /** `unknown`: NULL, or an ordinal outside 1 to 4. */
  readonly reason?: Reason | 'unknown' | undefined
  /** On recorded_at, inclusive, microseconds since 1970-01-01T00:00:00Z. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  readonly correlationId?: string | undefined
}

export interface EntryReader {
  /**
   * The first `limit` rows of a chain after seq `after`, ascending. A chain that is unknown has none. Every call sees
   * what is committed by then, so pages chained by seq give each row once, however many are appended meanwhile.
   */
  page(
    domainId: string,
    filter: EntryFilter,
    range: { after: number; limit: number },
  ): Promise<readonly ReadEntry[]>
  /** The row at `seq`; more than one only where the primary key was dropped to get them there. */
  rowsAt(domainId: string, seq: number): Promise<readonly ReadEntry[]>
  /** Whether there is such a chain: registered, or with rows left. */
  knows(domainId: string): Promise<boolean>
}

/** A finding that a verifier wrote down. */
export interface QuarantineRecord {
  readonly id: number
  readonly domainId: string
  readonly code: string
  readonly divergentSeq: number
  readonly seqFrom: number
  readonly seqTo: number
  readonly expectedHash?: string | undefined
  readonly observedHash?: string | undefined
  readonly source: string
  readonly detail: string
  readonly detectedAt: ReadTime | undefined
  readonly acknowledgedAt?: ReadTime | undefined
  readonly acknowledgeReason?: string | undefined
}

export interface QuarantineFilter {
  /** Absent: of all chains. */
  readonly domainId?: string | undefined
  readonly unacknowledgedOnly: boolean
}

export interface QuarantineStore {
  /**
   * Writes one row a finding, and none for one that stands there already; resolves with how many are new. Rejects with
   * `database_permission_denied` or `database_read_only` where the role or the server cannot write.
   */
  record(domainId: string, source: SourceName, findings: readonly Finding[]): Promise<number>
  /** By id, the first `limit` after id `after`. */
  page(
    filter: QuarantineFilter,
    range: { after: number; limit: number },
  ): Promise<readonly QuarantineRecord[]>
  find(id: number): Promise<QuarantineRecord | undefined>
  /**
   * Marks one as acknowledged after `announce` has resolved, under a lock on its row: two at once announce once. If the
   * process dies in between, the record is not acknowledged and the call may be repeated. Rejects with
   * `quarantine_not_found` or `already_acknowledged`, and with whatever `announce` rejects with.
   */
  acknowledge(
    id: number,
    reason: string,
    announce: (record: QuarantineRecord) => Promise<void>,
  ): Promise<QuarantineRecord>
}

/** A registered Domain. */
export interface DomainRecord {
  readonly domainId: string
  readonly name: string
  readonly mirrorUrl?: string | undefined
  readonly createdAt: ReadTime | undefined
  /** What the chain head counts; absent where the head is missing. */
  readonly rows?: number | undefined
}

export interface DomainRegistry {
  /** By domain id, the first `limit` after domain id `after`. */
  page(range: { after?: string | undefined; limit: number }): Promise<readonly DomainRecord[]>
}

/** Every chain that anything in a store speaks of. */
export interface KnownChains {
  readonly domainIds: readonly string[]
  /** The Domains that the registry has. */
  readonly registered: ReadonlySet<string>
  /** The Domains that the platform chain says were created. */
  readonly created: ReadonlySet<string>
}

/** An object of the mirror as a listing shows it. */
export interface MirrorListed {
  readonly key: string
  /** Absent where the listing does not show it: a directory would have to ask for each file. */
  readonly size?: number | undefined
  /** Quoted, as S3 gives it; absent where the object would have to be read for it. */
  readonly etag?: string | undefined
}

export interface MirrorObject {
  readonly bytes: Uint8Array
  readonly etag: string
}

/**
 * Long-term object storage of one bucket and prefix; keys are relative to it. Every call is safe to make at once, gives
 * up at the signal, and rejects with `mirror_unavailable` (after its own retries) or `mirror_permission_denied`, never
 * with a half answer.
 */
export interface MirrorStore {
  /** Where it is, for messages: without credentials. */
  readonly url: string
  /** All objects whose key begins so, ascending by the bytes of their keys; pages are fetched ahead of the reader. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<MirrorListed>
  /** Undefined if there is none. An object above `maxBytes` is not read to its end: it comes back cut to maxBytes + 1. */
  get(key: string, maxBytes: number, signal: AbortSignal): Promise<MirrorObject | undefined>
  /**
   * Create-only: durable when it resolves, and never over an existing object, whose content and etag stay as they are.
   * `created` is false where something was there already: also our own bytes, from a call whose answer was lost.
   */
  create(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<{ created: boolean; etag: string }>
  close(): void
}

/** What a mirror object turned out to hold; `problem` where it is none that this product would have written. */
export type DecodedObject =
  | { readonly entry: ChainedEntry; readonly canonical: Uint8Array }
  | { readonly problem: string; readonly unchecked?: UncheckedObject | undefined }

/** Of an object that is in its place and in a generation that this reader does not know: for the fold, and no finding. */
export interface UncheckedObject {
  readonly unknownGeneration: number
  readonly prevHash: string
  readonly entryHash: string
}

/** Rows to objects and back (format.md, "Mirror object"). */
export interface MirrorCodec {
  /** The same row always gives the same bytes. */
  encode(entry: ChainedEntry): Promise<Uint8Array>
  /** Treats the bytes as hostile and never rejects for what they are. Hashes are left to the fold. */
  decode(bytes: Uint8Array, place: { domainId: string; seq: number }): Promise<DecodedObject>
  /** Whether two objects have the same decompressed bytes. */
  same(left: Uint8Array, right: Uint8Array): Promise<boolean>
  key(domainId: string, seq: number): string
  /** Of a key below `audit/`; undefined for one that names no row. */
  parseKey(key: string): { domainId: string; seq: number } | undefined
  /** `audit/<domain_id>/`, or `audit/` for all. */
  prefix(domainId?: string): string
}

/** A chain that has rows without an archive stamp. */
export interface WaitingChain {
  readonly domainId: string
  /** The mirror that its Domain names; absent: the default. */
  readonly mirrorUrl?: string | undefined
  /** Of its last row, stamped or not. */
  readonly lastSeq: number
}

/** Rows of one snapshot, with those that their links are judged by. */
export interface RowWindow {
  /** Ascending; the row before `fromSeq` and the one after `toSeq` are among them where they exist. */
  readonly rows: readonly StoredRow[]
  readonly head?: ChainHead | undefined
  /** The last row of the chain, which may lie beyond the window. */
  readonly last?: LastRow | undefined
}

/** What the archiver drains: rows whose archived_at is NULL, as far as their seq is one of the format (1 to 2^53-1). */
export interface ArchiveQueue {
  waiting(): Promise<readonly WaitingChain[]>
  /**
   * Runs `use` unless another archiver has this chain; resolves to whether it ran. Not to be called for a chain whose
   * `use` still runs. The claim ends with `use`, and with the connection: then another may begin while this one still
   * uploads, which create-only objects and one-time stamps allow for.
   */
  claim(domainId: string, use: () => Promise<void>): Promise<boolean>
  /** The seqs without a stamp above `after`, ascending. */
  unstamped(domainId: string, after: number, limit: number): Promise<readonly number[]>
  window(domainId: string, fromSeq: number, toSeq: number): Promise<RowWindow>
  /** Stamps rows that have none; resolves with how many it stamped, durably. */
  stamp(domainId: string, stamps: readonly { seq: number; etag: string }[]): Promise<number>
  /** Gives every claim back. */
  close(): Promise<void>
}

/** A row as the mirror's keys are compared with. */
export interface LedgerRow {
  readonly seq: number
  /** Absent where it has no stamp. */
  readonly archivedAt?: ReadTime | undefined
}

/** What Postgres says of one chain and its archive, at one moment. */
export interface LedgerState {
  /** The registry or the platform chain knows this Domain. */
  readonly known: boolean
  readonly mirrorUrl?: string | undefined
  /** 0 where there is no row. */
  readonly lastSeq: number
  /** The database's clock, microseconds since 1970; no stamp is ever older than its object. */
  readonly clock: bigint
  /** Of the oldest row without a stamp, by that clock; 0 where all have one. */
  readonly lagSeconds: number
}

/** The archive stamps of a chain's rows. */
export interface ArchiveLedger {
  state(domainId: string): Promise<LedgerState>
  /** The rows with a seq above `after` and at most `toSeq`, ascending, `limit` of them. */
  page(
    domainId: string,
    range: { after: number; toSeq: number; limit: number },
  ): Promise<readonly LedgerRow[]>
}

/** One chain in Postgres at one moment, to be read beside the mirror. */
export interface RowSnapshot {
  readonly known: boolean
  readonly head?: ChainHead | undefined
  readonly last?: LastRow | undefined
  /** Ranges of seqs without an archive stamp, ascending. */
  readonly unstamped: readonly (readonly [from: number, to: number])[]
  /** The rows of the segment and the one before it, ascending, in batches. To be read once. */
  rows(): AsyncIterable<readonly StoredRow[]>
  close(): Promise<void>
}

export interface SnapshotSource {
  snapshot(request: Omit<ScanRequest, 'pins'>, signal: AbortSignal): Promise<RowSnapshot>
  /** Which of these seqs have a row at this moment, whatever a snapshot says. */
  present(domainId: string, seqs: readonly number[]): Promise<ReadonlySet<number>>
}

/** A row to be put back where it was, with its archive stamp. */
export interface RestoredRow {
  readonly entry: ChainedEntry
  readonly etag: string
}

/** Where a chain is rebuilt. Until `finish`, no append can reach it: it has no head. */
export interface RestoreTarget {
  /**
   * Runs `use` as the only restore of this chain. Rejects with `chain_exists` where it has a head, or another restore
   * is at it. Rows without a head are what an interrupted restore left, and are kept.
   */
  restoring<T>(domainId: string, use: () => Promise<T>): Promise<T>
  /**
   * Puts rows in, all or none; those that are there stay. Durable when it resolves. Rejects with `chain_exists` where
   * another row has the place of one.
   */
  insert(rows: readonly RestoredRow[]): Promise<void>
  /**
   * Gives the chain its head, and a Domain its registry entry: from here on it is a chain like any other. Rejects with
   * `chain_exists` where somebody else gave it one, or where rows lie beyond it.
   */
  finish(domainId: string, head: ChainHead, mirrorUrl: string | undefined): Promise<void>
}
