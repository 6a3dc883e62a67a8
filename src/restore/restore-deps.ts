import type { SelfAuditActor } from '../append/self-audit-item.js'
import type { AuditError } from '../base/errors.js'
import type { MirrorLocations } from '../base/mirror-locations.js'
import type { Hasher } from '../chain/hash.js'
import type { IndexedMirror, MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { RestoreTarget } from '../ports/restore.js'
import type { ScanProgress, SnapshotSource } from '../ports/verify.js'
import type { HeadReader } from '../verify/signed/head-reader.js'

/** What a restore works with. */
export interface RestoreDeps {
  readonly target: RestoreTarget
  /** Reads the rows that were restored, for the verify of both copies. */
  readonly snapshots: SnapshotSource
  /** Returns the mirror at a URL; one store for each URL. */
  readonly mirrorAt: (url: string) => Promise<IndexedMirror>
  /** Where the operator says that the mirrors are. No row of a mirror decides where another chain is restored from. */
  readonly locations: MirrorLocations
  /** Reads the signed heads of a chain: those in PostgreSQL, and those in the mirror that the chain is restored from. */
  readonly heads: Pick<HeadReader, 'of' | 'add'>
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  /** Returns the pepper of a Domain. Never creates one. */
  readonly pepperOf: (domainId: string) => Promise<Uint8Array>
  /** Returns whether the archiver will refuse this mirror, as one of another log or with another marker. Writes nothing. */
  readonly isForeign: (store: MirrorStore, signal: AbortSignal) => Promise<boolean>
  /** Returns who records a restored Domain on the platform chain, with that chain's pepper. */
  readonly platformActor: () => Promise<SelfAuditActor>
  /**
   * Records the id of the mirror's marker as this database's, unless it has one. Resolves with an error where the marker is
   * not the one that the database has recorded, or cannot be read.
   */
  readonly takeOver: (store: MirrorStore, signal: AbortSignal) => Promise<AuditError | undefined>
  readonly runStep: RunStep
}

/** The steps of one restore that read a whole chain each. */
export type RestoreStep = 'verify mirror' | 'rebuild' | 'verify both'

/** Runs one step of a restore, and may show its progress. */
export type RunStep = <T>(
  step: RestoreStep,
  work: (onProgress: (progress: ScanProgress) => void) => Promise<T>,
) => Promise<T>
