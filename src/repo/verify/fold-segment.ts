import type pg from 'pg'
import type { FoldResult } from '../../chain/fold.js'
import { chunkSink } from '../wire/chunk-sink.js'
import { copyOut } from '../wire/copy-out.js'
import { copyStatement } from '../wire/copy-statement.js'
import { throttle } from '../wire/throttle.js'
import { CopyFold, type CopyFoldRequest } from './copy-fold.js'

/** A segment of a chain, and how to fold it. Plain data, because worker threads receive it. */
export interface FoldTask extends CopyFoldRequest {
  /** Whether the entries have their primary key. */
  readonly keyed: boolean
  /** The share of the time that the fold may work, above 0 and up to 1. */
  readonly share: number
}

/** Folds a segment as its rows arrive. Calls `onRows` after every chunk with the number of rows so far. */
export async function foldSegment(
  client: pg.Client,
  task: FoldTask,
  onRows: (rows: number) => void,
): Promise<FoldResult> {
  const fold = new CopyFold(task)
  const sink = chunkSink((chunk) => {
    const rest = fold.push(chunk)
    onRows(fold.rows)
    return rest
  })
  await copyOut(client, copyStatement(task, task.keyed), task.share < 1 ? throttle(sink, task.share) : sink)
  return fold.finish()
}
