import type { CopyName } from '../../ports/verify.js'
import type { ChainNames } from '../flags/chain-names.js'
import type { PinOptions } from './pins-file.js'
import type { ProofOptions } from './signed/judge.js'
import type { VerifyWatcher } from './watcher.js'

/** The options of `verify`, parsed. */
export interface VerifyOptions extends PinOptions, ProofOptions {
  readonly source: CopyName
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  readonly quarantine: boolean
  /** Milliseconds. */
  readonly maxUnarchived?: number | undefined
  readonly json: boolean
  /** Path of the heads of earlier runs. */
  readonly remember?: string | undefined
  readonly watcher?: VerifyWatcher | undefined
  readonly names: ChainNames
}
