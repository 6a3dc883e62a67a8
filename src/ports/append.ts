import type { AuditError } from '../base/errors.js'
import type { UnplacedEntry } from '../chain/canonical.js'

/** The default number of days for which an idempotency key is known. */
export const DEFAULT_KEY_DAYS = 7

/** Decides which chains own a row. */
export interface DomainResolver {
  /**
   * Returns the chains of an entry that names no chain: domain ids, which may include the platform anchor. Rejects with
   * `residency_unknown` where the chains are not certain: the chain of an entry is never guessed.
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

/** One row to be appended to one chain, without its seq, recorded_at and hashes. */
export interface NewRow extends UnplacedEntry {
  /** The canonical bytes, where they were encoded ahead. seq and recorded_at are zeros, and the store fills them in. */
  readonly unplaced?: Uint8Array | undefined
  readonly subject?: SubjectPii | undefined
  readonly context?: RequestContext | undefined
}

/** Where a row was appended. */
export interface Placed {
  readonly domainId: string
  readonly seq: number
  readonly entryHash: string
  readonly recordedAt: bigint
  /** Whole seconds that recordedAt is ahead of the database's clock; absent if it is not. The chain was ahead before. */
  readonly secondsAhead?: number | undefined
}

/** How a new chain begins. */
export interface ChainStart {
  readonly genesis: NewRow
  /** The registry entry of a new Domain. The platform chain has none: its first row starts it. */
  readonly registration?: { readonly name: string; readonly mirrorUrl?: string | undefined } | undefined
}

/** A key under which an item is appended once, however often it is retried. */
export interface Idempotency {
  /** A UUID v4 in lower case. A key belongs to one chain: the same key on another chain is another key. */
  readonly key: string
  /** By domain id, for each chain of the item: the fingerprint of the content, 64 hex digits. */
  readonly fingerprints: ReadonlyMap<string, string>
}

/** Rows that are appended together or not at all, one on each of their chains. */
export interface AppendItem {
  readonly rows: readonly NewRow[]
  /** By domain id: the pseudonym that the genesis row must carry. Otherwise the item is refused with `pepper_mismatch`. */
  readonly genesisPseudonyms: ReadonlyMap<string, string>
  /** Chains that this item may begin. A chain with a registration must be new, otherwise the item is refused with `domain_exists`. */
  readonly starts?: ReadonlyMap<string, ChainStart> | undefined
  readonly idempotency?: Idempotency | undefined
}

/** The outcome of one item: where its rows were appended, or the error that refused it. */
export type Appended = readonly Placed[] | AuditError

export interface EntryStore {
  /**
   * Appends items in one transaction, in the order given, and resolves when it is durable. Each item has its own result:
   * a refused item does not affect the others. With `atRefusal: 'stop'` the first refused item is the last result, and
   * no item after it is appended. Where an item starts a chain, the genesis row comes first in its result. An item whose
   * key is known on its chains writes nothing: it gets the result of the first item with that key, or is refused with
   * `idempotency_conflict` if its content differs. Rejects when nothing was written, or with `outcome_unknown` when the
   * connection was lost while committing. Concurrent calls are safe: appends to one chain queue up, and several chains
   * are locked in one fixed order.
   */
  append(items: readonly AppendItem[], atRefusal: AtRefusal): Promise<readonly Appended[]>
}

/** Whether the items after a refused item are still appended. */
export type AtRefusal = 'stop' | 'continue'

/** A connection of a caller: a client of `pg` or `pg-native`, or a wrapper that has the same `query` of text and values. */
export interface CallerClient {
  query(text: string, values?: unknown[]): Promise<unknown>
}

/** Where entries were appended inside the transaction of a caller. */
export interface RecordedIn {
  /** For each entry its rows, one on each of its chains, as `record` resolves with. */
  readonly placed: readonly (readonly Placed[])[]
  /** Always false: only the COMMIT of the caller makes the rows durable. */
  readonly durable: false
}
