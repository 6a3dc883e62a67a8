import { Worker } from 'node:worker_threads'
import type { FoldResult } from '../../chain/fold.js'
import type { FoldOrder, FoldReply, FoldSite } from './fold-messages.js'
import type { FoldTask } from './fold-segment.js'

/**
 * Folds a segment on a worker thread with its own connection. Only counts and the result come back to this thread.
 * Rejects if the thread fails for any reason, and with the signal's reason once the signal is aborted.
 */
export async function foldOnThread(
  site: FoldSite,
  task: FoldTask,
  onRows: (rows: number) => void,
  signal: AbortSignal,
): Promise<FoldResult> {
  signal.throwIfAborted()
  const workerData: FoldOrder = { site, task }
  const worker = new Worker(new URL('./fold-worker.js', import.meta.url), { workerData })
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
