import { parentPort, workerData } from 'node:worker_threads'
import { Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import { type FoldTask, foldSegment } from './fold-segment.js'
import type { FoldReply, FoldSite } from './fold-thread.js'

/** Rows between two words on how far it has come. */
const STRIDE = 10_000

/** Milliseconds for the connection: a pooler that has no other to give says so after minutes, and the lead keeps one busy. */
const PATIENCE = 5_000

/** The other end of fold-thread.ts: reads, splits, splices and hashes. What it throws ends the thread. */
const { site, task } = workerData as { readonly site: FoldSite; readonly task: FoldTask }

function say(reply: FoldReply): void {
  parentPort?.postMessage(reply)
}

const database = new Database(site.url, 1)
if (site.location !== undefined) database.pinTo(site.location)
const impatience = new AbortController()
const timer = setTimeout(() => impatience.abort(new Error('no connection for a thread')), PATIENCE)
const scan = await ScanClient.open(database, impatience.signal, site.snapshot)
clearTimeout(timer)
let said = 0
const result = await foldSegment(scan.client, task, (rows) => {
  if (rows < said + STRIDE) return
  said = rows
  say({ rows })
})
say({ rows: said, result })
await scan.close()
