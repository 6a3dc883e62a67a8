import type { DomainClaims } from '../base/domain-claims.js'
import type { ChainHead } from '../chain/entry.js'
import type { MirrorStore } from './mirror.js'

/** What a mirror has under the key of its marker. */
export type FoundMarker =
  | { readonly kind: 'none' }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'malformed'; readonly problem: string }

/** Reads and creates the marker object of a mirror. Rejects as the store does. */
export interface MirrorMarkers {
  read(store: MirrorStore, signal: AbortSignal): Promise<FoundMarker>
  /** Creates the marker unless there is one, and returns the marker that the mirror then has. */
  create(store: MirrorStore, id: string, signal: AbortSignal): Promise<FoundMarker>
}

/** A chain in PostgreSQL, and how far it is archived. */
export interface ArchivedChain {
  readonly domainId: string
  readonly claims: DomainClaims
  readonly stamped?: StampedRow | undefined
}

/** The last row of a chain that has a stamp. */
export interface StampedRow extends ChainHead {
  /** Microseconds since 1970. */
  readonly stampedAt: bigint
  /** How many rows up to this one have a stamp. */
  readonly rows: number
}

/** The id of a database's mirrors, recorded once, and what shows that a mirror without a marker belongs to the database. */
export interface MarkerRegistry {
  recorded(): Promise<string | undefined>
  /** Records an id, unless there is one. Returns the recorded id. */
  record(id: string): Promise<string>
  /** Returns every chain that has rows. */
  chains(): Promise<readonly ArchivedChain[]>
  /** Returns the last row of a chain that has a stamp. */
  lastStamped(domainId: string): Promise<StampedRow | undefined>
  /** Returns the entry_hash of a row. */
  hashOf(domainId: string, seq: number): Promise<string | undefined>
}
