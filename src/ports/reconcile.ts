import type { ChainHead } from '../chain/entry.js'
import type { FindingCode } from '../chain/finding.js'
import type { KnownChains } from './domains.js'

/** A place in a chain: the last row that was verified, 0 before the first. */
export interface Position {
  readonly seq: number
  /** Its entry_hash; absent where that was none, or at 0. */
  readonly hash?: string | undefined
}

/** One chain at a glance, none of its rows recomputed. */
export interface ChainGlance {
  readonly domainId: string
  readonly head?: ChainHead | undefined
  /** The last row as it is stored. */
  readonly last?: Position | undefined
  /** The first row without an archive stamp, and its age by the database's clock. */
  readonly waiting?: { readonly seq: number; readonly lagSeconds: number } | undefined
}

export interface Glance {
  readonly known: KnownChains
  /** One for each of `known.domainIds`. */
  readonly chains: readonly ChainGlance[]
}

/** What a probe keeps of one chain. Times are ages, so that no clock but the database's counts. */
export interface KeptProgress {
  readonly domainId: string
  /** Up to where rows were verified as they came. */
  readonly verified?: Position | undefined
  /** Every row was verified at most so long ago. */
  readonly fullAgeSeconds?: number | undefined
  /** How far the pass of a server that started has come. */
  readonly boot?: { readonly reached: Position; readonly ageSeconds: number } | undefined
}

/** What the reconcile probe asks Postgres, and keeps there. Safe to call at once. */
export interface ReconcileStore {
  /** Every chain that anything speaks of, all of one moment. */
  glance(): Promise<Glance>
  kept(): Promise<readonly KeptProgress[]>
  /**
   * Keeps the progress of one chain; what is not given of it stays. May be lost when the server dies. Rejects with
   * `database_permission_denied` or `database_read_only` where it cannot be kept.
   */
  keep(progress: KeptProgress): Promise<void>
  /** Every chain has been verified: the next server that starts begins anew. */
  endBoot(): Promise<void>
}

/** Findings of one kind in the quarantine. */
export interface QuarantineCount {
  readonly code: FindingCode | 'other'
  readonly acknowledged: boolean
  readonly count: number
}

/** What tells a finding from every other one. */
export interface FindingKey {
  readonly domainId: string
  readonly code: string
  readonly seqFrom: number
  readonly seqTo: number
  readonly expected?: string | undefined
  readonly observed?: string | undefined
}

/** What stands in the quarantine. A record counts as acknowledged only if a row on a chain says so too. */
export interface QuarantineOverview {
  /** Changes, as text, whenever a record was added, acknowledged or removed. Cheap enough for every second. */
  mark(): Promise<string>
  counts(): Promise<readonly QuarantineCount[]>
  /** The acknowledged findings of Postgres, the latest `limit` of them. */
  acknowledged(limit: number): Promise<readonly FindingKey[]>
}
