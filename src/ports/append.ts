import type { AuditError } from '../base/errors.js'
import type { UnplacedEntry } from '../chain/canonical.js'

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
export interface NewRow extends UnplacedEntry {
  /** Its canonical bytes with zeros for the place, where they were encoded ahead; the store writes the place in. */
  readonly unplaced?: Uint8Array | undefined
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

/** A key under which an item is appended once, however often it is tried. */
export interface Idempotency {
  /** A UUID v4 in lower case. A key is its chain's: on another chain the same key is another. */
  readonly key: string
  /** By domain id, for each chain of the item: what its content is told by, 64 hex digits. */
  readonly fingerprints: ReadonlyMap<string, string>
}

/** The rows that stand or fall together, one on each chain concerned. */
export interface AppendItem {
  readonly rows: readonly NewRow[]
  /** By domain id: the pseudonym that the genesis row must carry, else the item is refused with `pepper_mismatch`. */
  readonly genesisPseudonyms: ReadonlyMap<string, string>
  /** Chains that this item may begin. One with a registration must be new, else `domain_exists`. */
  readonly starts?: ReadonlyMap<string, ChainStart>
  readonly idempotency?: Idempotency | undefined
}

/** What became of one item: where its rows were put, or why it was refused. */
export type Appended = readonly Placed[] | AuditError

export interface EntryStore {
  /**
   * Appends items in one transaction, in the order given, and resolves when it is durable. Each item's result is its
   * own: one that is refused leaves the others standing or, with `atRefusal: 'stop'`, is the last result, and nothing
   * after it is appended. A started chain's genesis row comes first in its item's result. An item whose key has been
   * seen on its chains writes nothing and has the first one's result, or is refused with `idempotency_conflict` if it
   * says something else. Rejects when nothing was written, or with `outcome_unknown` when the connection was lost
   * while committing. Safe to call at once: appends to one chain queue up, several chains are locked in one fixed
   * order.
   */
  append(items: readonly AppendItem[], atRefusal: AtRefusal): Promise<readonly Appended[]>
}

/** Whether what comes after a refused item is still appended. */
export type AtRefusal = 'stop' | 'continue'
