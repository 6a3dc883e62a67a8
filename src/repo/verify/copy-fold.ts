import { nodeHasher } from '../../base/node-hasher.js'
import type { ChainHead } from '../../chain/entry.js'
import { FastPath } from '../../chain/fast-path.js'
import { ChainFold, type FoldResult } from '../../chain/fold.js'
import { CopyFrames } from '../wire/copy-frames.js'
import { CopyRows } from '../wire/copy-rows.js'

/** What to fold; plain data, for it is handed to a worker. */
export interface CopyFoldRequest {
  readonly domainId: string
  readonly fromSeq: number
  /** Last row of a segment that ends before the chain does, or with it. */
  readonly toSeq?: number | undefined
  /**
   * The last row of the segment by another look in the same snapshot, if that is a seq: an index may hide rows from one
   * look and show them to the other.
   */
  readonly end?: number | undefined
  readonly pins: readonly ChainHead[]
}

/** The backend's byte stream of one COPY, from its first message on, folded as it arrives. */
export class CopyFold {
  readonly #end: number | undefined
  readonly #lane: FastPath
  readonly #rows: CopyRows
  readonly #frames: CopyFrames

  constructor(request: CopyFoldRequest) {
    const { fromSeq, toSeq, pins } = request
    this.#end = toSeq ?? request.end
    const options = { fromSeq, toSeq, pins, hasher: nodeHasher }
    this.#lane = new FastPath(new ChainFold(options), options)
    const rows = new CopyRows(request.domainId, this.#lane)
    this.#rows = rows
    this.#frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
  }

  /** Rows seen so far, the predecessor of the segment included. */
  get rows(): number {
    return this.#rows.count
  }

  /** Returns the messages that are the driver's once the server is ready again, else undefined. */
  push(chunk: Buffer): Buffer | undefined {
    return this.#frames.push(chunk)
  }

  finish(): FoldResult {
    return this.#lane.finish(this.#end)
  }
}
