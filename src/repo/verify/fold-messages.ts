import type { FoldResult } from '../../chain/fold.js'
import type { DatabaseSite } from '../session/database.js'
import type { FoldTask } from './fold-segment.js'

/** Where a thread connects to, and the snapshot that it joins. */
export interface FoldSite {
  readonly database: DatabaseSite
  readonly snapshot: string
}

/** What a worker thread is started with. */
export interface FoldOrder {
  readonly site: FoldSite
  readonly task: FoldTask
}

/** A message of the worker: its progress, and at the end its result. */
export interface FoldReply {
  readonly rows: number
  readonly result?: FoldResult
}
