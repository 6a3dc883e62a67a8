import type { SourcedFinding } from '../archive/findings.js'
import type { Hasher } from '../chain/hash.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { ChainReader, LogKeys, SignerStates, SignerStore } from '../ports/signer.js'
import type { EntrySource } from '../ports/verify.js'

/** The steps of signing after which something durable may differ (tlog.md, section 7), in their order. */
export const SIGNING_STEPS = [
  'keys_named',
  'folded',
  'object_read',
  'tiles_stored',
  'record_created',
  'signed',
  'checkpoint_kept',
  'statement_kept',
  'heads_named',
] as const
export type SigningStep = (typeof SIGNING_STEPS)[number]

/** What a signer works with. */
export interface SignerDeps {
  readonly store: SignerStore
  readonly states: SignerStates
  readonly keys: LogKeys
  readonly rows: ChainReader
  readonly codec: Pick<MirrorCodec, 'key' | 'decode'>
  readonly hasher: Hasher
  /**
   * Returns the mirror of a chain, as the archiver maps it. Rejects with a `mirror_…` error where it cannot be opened, or is not the
   * mirror of this database: the signer creates objects there.
   */
  readonly mirrorOf: (domainId: string, signal: AbortSignal) => Promise<MirrorStore>
  /** Returns both copies of a chain, to compare it whole before its first signature. */
  readonly bothCopies: (domainId: string) => Promise<EntrySource>
  /** Archives the rows that a chain has now. Rejects only where nothing could be tried. */
  readonly drain: (domainId: string, signal: AbortSignal) => Promise<void>
  /** Records and reports what the signer found. Called again with the same findings as long as the damage is there. */
  readonly onFindings: (domainId: string, findings: readonly SourcedFinding[]) => Promise<void>
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: (() => number) | undefined
  /** Is awaited after each step, for tests that kill the process there. */
  readonly afterStep?: ((step: SigningStep, domainId: string) => Promise<void>) | undefined
}
