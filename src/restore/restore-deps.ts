import type { Hasher } from '../chain/hash.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import type { RestoreTarget } from '../ports/restore.js'
import type { ScanProgress, SnapshotSource } from '../ports/verify.js'

/** What a restore works with. */
export interface RestoreDeps {
  readonly target: RestoreTarget
  /** Reads the rows that were restored, for the verify of both copies. */
  readonly snapshots: SnapshotSource
  /** Returns the mirror at a URL, or the default mirror; one store for each URL. */
  readonly mirrorAt: (url?: string) => Promise<IndexedMirror>
  readonly defaultMirrorUrl: string
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  /** Returns the pepper of a Domain. Never creates one. */
  readonly pepperOf: (domainId: string) => Promise<Uint8Array>
  readonly runStep: RunStep
}

/** The steps of one restore that read a whole chain each. */
export type RestoreStep = 'verify mirror' | 'rebuild' | 'verify both'

/** Runs one step of a restore, and may show its progress. */
export type RunStep = <T>(
  step: RestoreStep,
  work: (onProgress: (progress: ScanProgress) => void) => Promise<T>,
) => Promise<T>
