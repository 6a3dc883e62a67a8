import type { ChainHead, Entry } from './chain/entry.js'
import type { FoldResult, LastRow } from './chain/fold.js'
import type { AuditError } from './errors.js'

/** Where a row came from. */
export type SourceName = 'postgres' | 'mirror' | 'bundle'

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

/** The rows that stand or fall together, one on each chain concerned, and what they need to be true of each chain. */
export interface AppendItem {
  readonly rows: readonly NewRow[]
  /** By domain id: the pseudonym that the genesis row must carry, else the append is refused with `pepper_mismatch`. */
  readonly genesisPseudonyms: ReadonlyMap<string, string>
}

export interface EntryStore {
  /**
   * Appends every item in one transaction, in the order given, and resolves when it is durable. Each item's result is
   * its own: an item that cannot be placed is an AuditError and the others still stand. Rejects when nothing was
   * written, or with `append_outcome_unknown` when the connection was lost while committing. Safe to call at once:
   * appends to one chain queue up, and several chains are locked in one fixed order.
   */
  append(items: readonly AppendItem[]): Promise<readonly (readonly Placed[] | AuditError)[]>
}

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
  readonly fold: FoldResult
}

export interface ScanProgress {
  readonly rows: number
  /** Rows to come altogether, where known. */
  readonly total?: number | undefined
}

export interface EntrySource {
  readonly name: SourceName
  /**
   * Reads and folds the rows of one segment, and the row before it. Rejects when something could not be read: a
   * Scan that resolves has seen everything.
   */
  scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan>
}
