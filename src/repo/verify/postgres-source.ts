import type { FoldResult } from '../../chain/fold.js'
import { LIMITS } from '../../chain/limits.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../../ports/verify.js'
import type { Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import { chainState } from './chain-state.js'
import { type FoldTask, foldSegment } from './fold-segment.js'
import { hasPrimaryKey } from './primary-key.js'

/** The number of rows from which a thread is worth its start and its connection. */
const THREAD_ROWS = 50_000

export interface PostgresSourceOptions {
  /** The share of the time that a scan works, above 0 and up to 1. Less than 1 leaves time to serve others. Default: 1. */
  readonly share?: number
  /** The number of threads, each with a connection, that fold a long chain. Default: 1. */
  readonly threads?: number
  /** Whether this thread is one of them. It should not be if it serves others meanwhile. Default: false. */
  readonly here?: boolean
  /** The number of rows that make a chain long, and the minimum for each thread. */
  readonly threadRows?: number
}

/** Reads a chain from Postgres: rows and head in one snapshot, the rows as a binary COPY stream. */
export class PostgresSource implements EntrySource {
  readonly name = 'postgres'
  readonly keepsHead = true
  readonly #database: Database
  readonly #options: Required<PostgresSourceOptions>

  constructor(database: Database, options: PostgresSourceOptions = {}) {
    this.#database = database
    this.#options = { share: 1, threads: 1, here: false, threadRows: THREAD_ROWS, ...options }
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const scan = await ScanClient.open(this.#database, signal)
    try {
      return await scan.run(() => this.#scanOn(scan, request, progress, signal))
    } finally {
      await scan.close()
    }
  }

  async #scanOn(
    { client }: ScanClient,
    request: ScanRequest,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    const { domainId, fromSeq, pins } = request
    const state = await chainState(client, domainId)
    const keyed = await hasPrimaryKey(client)
    const last = state.last?.seq ?? 0
    const end = Math.min(request.toSeq ?? Number.MAX_SAFE_INTEGER, last)
    const toSeq = request.toSeq === undefined ? undefined : end
    const task = {
      domainId,
      fromSeq,
      toSeq,
      end: last <= LIMITS.maxSeq ? end : undefined,
      pins,
      keyed,
      share: this.#options.share,
    }
    const total = Math.max(end - fromSeq + 1, 0)
    const onRows = (rows: number) => progress({ rows, total })
    const fold =
      (await this.#foldOnThreads(client, task, total, onRows, signal)) ??
      (await foldSegment(client, task, onRows))
    await client.query('COMMIT')
    return { ...state, fold }
  }

  /** Resolves with undefined if the chain is short, or if the threads could not fold it. */
  async #foldOnThreads(
    client: ScanClient['client'],
    task: FoldTask,
    total: number,
    onRows: (rows: number) => void,
    signal: AbortSignal,
  ): Promise<FoldResult | undefined> {
    const { here, threadRows } = this.#options
    const threads = Math.min(this.#options.threads, Math.floor(total / threadRows))
    if (threads < (here ? 2 : 1)) return undefined
    const { foldOnThreads } = await import('./fold-threads.js')
    return foldOnThreads(this.#database, client, task, { threads, here }, onRows, signal)
  }
}
