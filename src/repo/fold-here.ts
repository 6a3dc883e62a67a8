import type { FoldResult } from '../chain/fold.js'
import { CopyFold, type CopyFoldRequest } from './copy-fold.js'
import type { ChunkSink } from './copy-out.js'

/** A sink that judges what it is given. */
export interface FoldSink extends ChunkSink {
  /** The verdict, once the whole copy has been seen. */
  result(): Promise<FoldResult>
  /** Ends what runs for it. */
  close(): Promise<void>
}

/** Folds on this thread: for short chains, where a worker's start (40 ms) would be most of the time. */
export function foldHere(request: CopyFoldRequest, onRows: (rows: number) => void): FoldSink {
  const fold = new CopyFold(request)
  let finish: (rest: Buffer) => void = () => undefined
  const done = new Promise<Buffer>((resolve) => {
    finish = resolve
  })
  return {
    done,
    push(chunk) {
      const rest = fold.push(chunk)
      onRows(fold.rows)
      if (rest !== undefined) finish(rest)
    },
    result: async () => fold.finish(),
    close: async () => undefined,
  }
}
