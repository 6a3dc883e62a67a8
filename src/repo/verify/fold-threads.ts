import type pg from 'pg'
import type { FoldResult } from '../../chain/fold.js'
import type { Database } from '../session/database.js'
import type { FoldSite } from './fold-messages.js'
import { cutParts, joinParts } from './fold-parts.js'
import { type FoldTask, foldSegment } from './fold-segment.js'
import { foldOnThread } from './fold-thread.js'

/** Exports the snapshot, and reads the last seq. A NULL seq is read first here, because such a row would be in no part. */
const SHARED = `
  SELECT pg_export_snapshot() AS snapshot,
    (SELECT seq FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq DESC NULLS FIRST LIMIT 1) AS last`

export interface ThreadPlan {
  /** The number of threads. */
  readonly threads: number
  /** Whether this thread is one of them, with the lead's connection. Otherwise it stays free for other work. */
  readonly here: boolean
}

type OnRows = (rows: number) => void

/**
 * Folds a segment on several threads, each with its own connection, in the snapshot of `lead`. Resolves with undefined if
 * the threads could not do it (a server has a limited number of connections), or if this thread must fold the whole
 * segment itself. Rejects with a failure of the lead.
 */
export async function foldOnThreads(
  database: Database,
  lead: pg.Client,
  task: FoldTask,
  { threads, here }: ThreadPlan,
  onRows: OnRows,
  signal: AbortSignal,
): Promise<FoldResult | undefined> {
  const { rows } = await lead.query<{ snapshot: string; last: string | null }>(SHARED, [task.domainId])
  const [shared] = rows
  if (shared === undefined) return undefined
  const site = { database: database.site, snapshot: shared.snapshot }
  const { end } = task
  const isWhole = task.keyed && shared.last !== null && end !== undefined
  const parts = isWhole ? cutParts(task, end, threads) : [task]
  const joined =
    parts.length > 1 ? await foldInParts(site, parts, here ? lead : undefined, onRows, signal) : undefined
  if (joined !== undefined || here) return joined
  const alone = await foldOnThread(site, task, onRows, signal).catch(() => undefined)
  signal.throwIfAborted()
  return alone
}

/**
 * Folds each part on a thread of its own, or the first part on this thread if it gets the client `here`. Resolves with
 * undefined if a part is not intact or a thread fails. A failure ends the other threads, but not the fold on this one.
 */
async function foldInParts(
  site: FoldSite,
  parts: readonly FoldTask[],
  here: pg.Client | undefined,
  onRows: OnRows,
  signal: AbortSignal,
): Promise<FoldResult | undefined> {
  const seen = parts.map(() => 0)
  const onPartRows = (index: number) => (rows: number) => {
    seen[index] = rows
    onRows(seen.reduce((sum, count) => sum + count))
  }
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const onThread = (part: FoldTask, index: number) =>
    foldOnThread(site, part, onPartRows(index), either).catch(() => failed.abort())
  const results = parts.map((part, index) =>
    here !== undefined && index === 0 ? foldSegment(here, part, onPartRows(index)) : onThread(part, index),
  )
  try {
    const done = (await Promise.all(results)).filter((result) => result !== undefined)
    return done.length === parts.length ? joinParts(parts, done) : undefined
  } finally {
    failed.abort()
    await Promise.allSettled(results)
  }
}
