import { parentPort, workerData } from 'node:worker_threads'
import { CopyFold, type CopyFoldRequest } from './copy-fold.js'
import type { FoldReply } from './fold-in-worker.js'

/** The other end of fold-in-worker.ts: splits, splices and hashes while the main thread reads the socket. */
const fold = new CopyFold(workerData as CopyFoldRequest)

parentPort?.on('message', (chunks: readonly Uint8Array[]) => {
  let bytes = 0
  let rest: Buffer | undefined
  for (const chunk of chunks) {
    bytes += chunk.byteLength
    rest ??= fold.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  }
  const reply: FoldReply =
    rest === undefined ? { bytes, rows: fold.rows } : { bytes, rows: fold.rows, rest, result: fold.finish() }
  parentPort?.postMessage(reply)
})
