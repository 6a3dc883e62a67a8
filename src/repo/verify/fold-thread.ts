import { Worker } from 'node:worker_threads'
import type { FoldResult } from '../../chain/fold.js'
import type { SchemaLocation } from '../session/schema-location.js'
import type { FoldTask } from './fold-segment.js'

/** What a thread needs to connect and to see what the lead sees. */
export interface FoldSite {
  readonly url: string
  readonly location: SchemaLocation | undefined
  readonly snapshot: string
}

/** What the worker says now and then, and at its end. */
export interface FoldReply {
  readonly rows: number
  readonly result?: FoldResult
}

/**
 * Judges a segment on a thread and a connection of its own: nothing but counts crosses over to this one. Rejects where
 * that fails for whatever reason, and with the signal's once it is aborted.
 */
export async function foldOnThread(
  site: FoldSite,
  task: FoldTask,
  onRows: (rows: number) => void,
  signal: AbortSignal,
): Promise<FoldResult> {
  signal.throwIfAborted()
  const worker = new Worker(new URL('./fold-worker.js', import.meta.url), { workerData: { site, task } })
  let abort: () => void = () => undefined
  try {
    return await new Promise<FoldResult>((resolve, reject) => {
      abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort)
      worker.on('error', reject)
      worker.on('exit', () => reject(new Error('the thread ended early')))
      worker.on('message', ({ rows, result }: FoldReply) => {
        onRows(rows)
        if (result !== undefined) resolve(result)
      })
    })
  } finally {
    signal.removeEventListener('abort', abort)
    await worker.terminate()
  }
}
