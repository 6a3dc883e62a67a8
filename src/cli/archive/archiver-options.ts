/** The options of `archiver`, parsed. */
export interface ArchiverOptions {
  readonly once: boolean
  /** Milliseconds. */
  readonly pollInterval: number
  /** Milliseconds between two passes of the signer, 0 for none; absent: the default. */
  readonly checkpointInterval?: number | undefined
  readonly concurrency: number
  readonly initMirror: boolean
  readonly json: boolean
}
