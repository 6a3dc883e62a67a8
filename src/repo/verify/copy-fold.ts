import { nodeHasher } from '../../base/node-hasher.js'
import type { ChainHead } from '../../chain/entry.js'
import { CopyEvidence } from '../../chain/evidence/copy-evidence.js'
import { type ByteRow, FastPath, type RowTaker } from '../../chain/fast-path.js'
import { ChainFold, type FoldResult, type StoredRow } from '../../chain/fold.js'
import { CopyFrames } from '../wire/copy-frames.js'
import { CopyRows } from '../wire/copy-rows.js'

/** The rows to fold. Plain data, because worker threads receive it. */
export interface CopyFoldRequest {
  readonly domainId: string
  readonly fromSeq: number
  /** The last row of the segment. Absent: the segment ends with the chain. */
  readonly toSeq?: number | undefined
  /**
   * The last row of the segment as another query saw it in the same snapshot, if it has a valid seq. A damaged index may
   * hide rows from one query and show them to the other.
   */
  readonly end?: number | undefined
  readonly pins: readonly ChainHead[]
  /** Signed heads to compare rows with. */
  readonly heads?: readonly ChainHead[] | undefined
  /** The database's clock, in microseconds since 1970. */
  readonly now: bigint
}

/** Folds the byte stream of one COPY as it arrives, from the first message of the backend. */
export class CopyFold {
  readonly #end: number | undefined
  readonly #fastPath: FastPath
  readonly #rows: CopyRows
  readonly #frames: CopyFrames

  /** `observer` receives every row before the fold does. */
  constructor(request: CopyFoldRequest, observer?: RowTaker) {
    const { fromSeq, toSeq, pins, heads, now } = request
    this.#end = toSeq ?? request.end
    const options = { fromSeq, toSeq, pins, heads, now, hasher: nodeHasher }
    const evidence = new CopyEvidence({ ...options, copy: 'postgres', recent: () => rows.recent() })
    this.#fastPath = new FastPath(new ChainFold(options), options, evidence)
    const rows = new CopyRows(request.domainId, observed(this.#fastPath, observer))
    this.#rows = rows
    this.#frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
  }

  /** The rows seen so far, with the predecessor of the segment. */
  get rows(): number {
    return this.#rows.count
  }

  /** Takes a chunk. Returns the driver's messages once the server is ready again, otherwise undefined. */
  push(chunk: Buffer): Buffer | undefined {
    return this.#frames.push(chunk)
  }

  /** The result of the rows seen so far, where the stream broke off. */
  soFar(): FoldResult {
    return this.#fastPath.soFar()
  }

  finish(): FoldResult {
    return this.#fastPath.finish(this.#end)
  }
}

/** Returns the fold alone without an observer: a verify must not pay for what it does not use. */
function observed(fold: FastPath, observer: RowTaker | undefined): RowTaker {
  if (observer === undefined) return fold
  return {
    add: (row: ByteRow) => {
      observer.add(row)
      fold.add(row)
    },
    addStored: (row: StoredRow) => {
      observer.addStored(row)
      fold.addStored(row)
    },
  }
}
