import type { ChainHead } from '../chain/entry.js'
import type { FindingCode } from '../chain/finding.js'
import type { KnownChains } from './domains.js'
import type { SignedState } from './signer.js'

/** A position in a chain: the last row that was verified; seq 0 is before the first row. */
export interface Position {
  readonly seq: number
  /** The entry_hash of that row; absent at seq 0, and if the row has no valid hash. */
  readonly hash?: string | undefined
}

/** The ends of one chain, read without recomputing a row. */
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

/** The saved progress of one chain. Times are ages, so that only the database's clock counts. */
export interface KeptProgress {
  readonly domainId: string
  /** The last row that was verified as rows came in. */
  readonly verified?: Position | undefined
  /** Every row was verified at most this many seconds ago. */
  readonly fullAgeSeconds?: number | undefined
  /** How far the first pass of a server process has come. */
  readonly boot?: { readonly reached: Position; readonly ageSeconds: number } | undefined
}

/** What the reconcile probe reads from PostgreSQL and saves there. Calls may run concurrently. */
export interface ReconcileStore {
  /** Returns every known chain, read in one snapshot. */
  glance(): Promise<Glance>
  /** Returns how far each chain is signed that the index of signed heads has. */
  signed(): Promise<readonly SignedState[]>
  /** Returns the saved progress of every chain. */
  kept(): Promise<readonly KeptProgress[]>
  /**
   * Saves the progress of one chain; absent fields keep their values. A save may be lost when the database server crashes.
   * Rejects with `database_permission_denied` or `database_read_only` if progress cannot be saved.
   */
  keep(progress: KeptProgress): Promise<void>
  /** Ends the first pass of every chain: the next server process starts a new one. */
  endBoot(): Promise<void>
}

/** The number of quarantine records of one kind. */
export interface QuarantineCount {
  readonly code: FindingCode | 'other'
  readonly acknowledged: boolean
  readonly count: number
}

/** The fields that identify the finding of a record. */
export interface FindingKey {
  readonly domainId: string
  /** Absent for a record of a version that stored none. Such a record is about one row, and the other fields identify some findings about it. */
  readonly fingerprint?: string | undefined
  readonly code: string
  readonly seq: number
  readonly expected?: string | undefined
  readonly observed?: string | undefined
}

/** An overview of the quarantine. A record counts as acknowledged only if a self-audit row on a chain confirms it. */
export interface QuarantineOverview {
  /** Returns a text that changes when a record is added, acknowledged or removed. Cheap enough to call every second. */
  mark(): Promise<string>
  /** Reads counts and keys in one snapshot, so that no finding counts as acknowledged without being in `acknowledged`. */
  read(limit: number): Promise<QuarantineContents>
}

export interface QuarantineContents {
  readonly counts: readonly QuarantineCount[]
  /** The latest acknowledged findings, at most the limit. */
  readonly acknowledged: readonly FindingKey[]
}

/** The fields of a log line of the probe. No field holds personal data. */
export interface ProbeLogFields {
  readonly domainId?: string
  readonly [field: string]: unknown
}

/** Writes structured log lines, with the fields in the order of the object. */
export interface ProbeLog {
  info(fields: ProbeLogFields, message: string): void
  error(fields: ProbeLogFields, message: string): void
}
