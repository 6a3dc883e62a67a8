import type pg from 'pg'
import type { AuditError } from '../../base/errors.js'
import { storeFailure } from '../../base/store-failure.js'
import type { RowTaker } from '../../chain/fast-path.js'
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

/** What a fold judged. */
export interface SegmentFold {
  readonly fold: FoldResult
  /** The failure of PostgreSQL that ended the COPY. Only the rows before it are judged then. */
  readonly broken?: AuditError
}

/** Folds a segment as its rows arrive. Calls `onRows` after every chunk with the number of rows so far. */
export async function foldSegment(
  client: pg.Client,
  task: FoldTask,
  onRows: (rows: number) => void,
): Promise<FoldResult> {
  const { fold, broken } = await foldUntilBreak(client, task, onRows)
  if (broken !== undefined) throw broken
  return fold
}

/** Folds a segment as {@link foldSegment} does, and resolves with what it judged where PostgreSQL fails in between. */
export async function foldUntilBreak(
  client: pg.Client,
  task: FoldTask,
  onRows: (rows: number) => void,
  observer?: RowTaker,
): Promise<SegmentFold> {
  const fold = new CopyFold(task, observer)
  const sink = chunkSink((chunk) => {
    const rest = fold.push(chunk)
    onRows(fold.rows)
    return rest
  })
  try {
    await copyOut(client, copyStatement(task, task.keyed), task.share < 1 ? throttle(sink, task.share) : sink)
  } catch (error) {
    const broken = storeFailure(error)
    if (broken === undefined) throw error
    return { fold: fold.soFar(), broken }
  }
  return { fold: fold.finish() }
}
