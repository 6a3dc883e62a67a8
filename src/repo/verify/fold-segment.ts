import type pg from 'pg'
import type { FoldResult } from '../../chain/fold.js'
import { chunkSink } from '../wire/chunk-sink.js'
import { copyOut } from '../wire/copy-out.js'
import { copyStatement } from '../wire/copy-statement.js'
import { throttled } from '../wire/throttle.js'
import { CopyFold, type CopyFoldRequest } from './copy-fold.js'

/** One segment of a chain and the manner in which it is to be judged. Plain data: it is handed to threads. */
export interface FoldTask extends CopyFoldRequest {
  /** Whether the entries have their primary key. */
  readonly keyed: boolean
  /** Of the time that it may work, above 0 and up to 1. */
  readonly share: number
}

/** Judges a segment as its rows arrive. `onRows` is told often how many there were so far. */
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
  await copyOut(client, copyStatement(task, task.keyed), task.share < 1 ? throttled(sink, task.share) : sink)
  return fold.finish()
}
