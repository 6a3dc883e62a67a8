import { parentPort, workerData } from 'node:worker_threads'
import { Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import type { FoldOrder, FoldReply } from './fold-messages.js'
import { foldSegment } from './fold-segment.js'

/** Rows between two progress messages. */
const PROGRESS_ROWS = 10_000

/**
 * Milliseconds for connecting. A pooler without a free connection would fail only after minutes, and the lead keeps one
 * connection busy meanwhile.
 */
const CONNECT_TIMEOUT = 5_000

/** The worker side of fold-thread.ts: reads and folds a segment. An error that it throws ends the thread. */
const { site, task } = workerData as FoldOrder

function post(reply: FoldReply): void {
  parentPort?.postMessage(reply)
}

const { url, location, ...options } = site.database
const database = new Database(url, 1, options)
if (location !== undefined) database.pinTo(location)
const connecting = new AbortController()
const timer = setTimeout(() => connecting.abort(new Error('no connection for a thread')), CONNECT_TIMEOUT)
const scan = await ScanClient.open(database, connecting.signal, site.snapshot)
clearTimeout(timer)
let reported = 0
const result = await foldSegment(scan.client, task, (rows) => {
  if (rows < reported + PROGRESS_ROWS) return
  reported = rows
  post({ rows })
})
post({ rows: reported, result })
await scan.close()
