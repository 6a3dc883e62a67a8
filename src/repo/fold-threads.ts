import type { FoldResult } from '../chain/fold.js'
import type { Client, Database } from './database.js'
import { cutParts, joinParts } from './fold-parts.js'
import type { FoldTask } from './fold-segment.js'
import { type FoldSite, foldOnThread } from './fold-thread.js'

/** A NULL sorts last, and a row with one would be in no part. */
const SHARED = `
  SELECT pg_export_snapshot() AS snapshot,
    (SELECT seq FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq DESC NULLS FIRST LIMIT 1) AS last`

/**
 * Judges a segment that ends with the row `end` on threads and connections of their own, in the snapshot of `lead`.
 * Undefined where they could not do it (a server has only so many connections): the lead's own then has to.
 */
export async function foldOnThreads(
  database: Database,
  lead: Client,
  task: FoldTask,
  { end, threads }: { readonly end: number; readonly threads: number },
  onRows: (rows: number) => void,
  signal: AbortSignal,
): Promise<FoldResult | undefined> {
  const { rows } = await lead.query<{ snapshot: string; last: string | null }>(SHARED, [task.domainId])
  const [shared] = rows
  if (shared === undefined) return undefined
  const site = { url: database.url, place: database.place, snapshot: shared.snapshot }
  const isDivisible = threads > 1 && task.keyed && shared.last !== null
  try {
    const joined = isDivisible
      ? await foldInParts(site, cutParts(task, end, threads), onRows, signal)
      : undefined
    return joined ?? (await foldOnThread(site, task, onRows, signal))
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/** Each part on a thread. Undefined where not all of it is intact; the threads that are still at work are ended. */
async function foldInParts(
  site: FoldSite,
  parts: readonly FoldTask[],
  onRows: (rows: number) => void,
  signal: AbortSignal,
): Promise<FoldResult | undefined> {
  const seen = parts.map(() => 0)
  const onPartRows = (index: number) => (rows: number) => {
    seen[index] = rows
    onRows(seen.reduce((sum, count) => sum + count))
  }
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  try {
    const results = parts.map((part, index) => foldOnThread(site, part, onPartRows(index), either))
    return joinParts(parts, await Promise.all(results))
  } finally {
    failed.abort()
  }
}
