import type pg from 'pg'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports.js'
import { chainState, isKeyed } from './chain-state.js'
import { copyOut } from './copy-out.js'
import { COPY_COLUMNS } from './copy-rows.js'
import type { Database } from './database.js'
import { databaseError } from './database-error.js'
import { type FoldSink, foldHere } from './fold-here.js'
import { paced } from './paced.js'

/** Rows from which on a worker is worth its start. */
const WORKER_ROWS = 20_000

/** A chain as Postgres holds it: rows and head in one snapshot, read as the binary COPY stream. */
export class PostgresSource implements EntrySource {
  readonly name = 'postgres'
  readonly keepsHead = true
  readonly #database: Database
  readonly #share: number

  /** `share`: of the time that a scan works, above 0 and up to 1; less than 1 where others are to be served meanwhile. */
  constructor(database: Database, { share = 1 } = {}) {
    this.#database = database
    this.#share = share
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    signal.throwIfAborted()
    const client = await this.#database.dedicated()
    const abort = () => client.connection.stream.destroy()
    signal.addEventListener('abort', abort)
    try {
      return await scanWith(client, request, progress, this.#share)
    } catch (error) {
      signal.throwIfAborted()
      throw databaseError(error)
    } finally {
      signal.removeEventListener('abort', abort)
      await client.end().catch(() => undefined)
    }
  }
}

async function scanWith(
  client: pg.Client,
  request: ScanRequest,
  progress: (p: ScanProgress) => void,
  share: number,
): Promise<Scan> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  // A sort of a long chain would spill to disk before its first row; the primary key has the order.
  // Where a policy hides rows from this role, that is a failure to read them: a filtered chain looks like a cut one.
  await client.query('SET LOCAL enable_sort = off; SET LOCAL row_security = off')
  const state = await chainState(client, request.domainId)
  const end = Math.min(request.toSeq ?? Number.MAX_SAFE_INTEGER, state.last?.seq ?? 0)
  const total = Math.max(end - request.fromSeq + 1, 0)
  const toSeq = request.toSeq === undefined ? undefined : end
  const fold = await foldSink({ ...request, toSeq }, total, (rows) => progress({ rows, total }))
  const sink = share < 1 ? paced(fold, share) : fold
  try {
    await copyOut(client, copyStatement(request, await isKeyed(client)), sink)
    const judged = await sink.result()
    await client.query('COMMIT')
    return { ...state, fold: judged }
  } finally {
    await sink.close()
  }
}

async function foldSink(request: ScanRequest, total: number, onRows: (n: number) => void): Promise<FoldSink> {
  const { domainId, fromSeq, toSeq, pins } = request
  if (total < WORKER_ROWS) return foldHere({ domainId, fromSeq, toSeq, pins }, onRows)
  const { foldInWorker } = await import('./fold-in-worker.js')
  return foldInWorker({ domainId, fromSeq, toSeq, pins }, onRows)
}

/**
 * COPY takes no parameters: the id is a checked UUID and the bounds are numbers. A whole chain has no bounds at all.
 * Without the key a seq may be there twice; then the hash says which comes first, for the same findings every time.
 */
export function copyStatement(
  { domainId, fromSeq, toSeq }: Omit<ScanRequest, 'pins'>,
  isKeyed: boolean,
): string {
  const from = fromSeq > 1 ? ` AND seq >= ${Math.trunc(fromSeq - 1)}` : ''
  const to = toSeq === undefined ? '' : ` AND seq <= ${Math.trunc(toSeq)}`
  return `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry
    WHERE domain_id = '${domainId}'${from}${to} ORDER BY ${isKeyed ? 'seq' : 'seq, entry_hash'}) TO STDOUT (FORMAT binary)`
}
