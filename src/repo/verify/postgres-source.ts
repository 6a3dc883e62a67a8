import { AuditError } from '../../base/errors.js'
import { storeFailure } from '../../base/store-failure.js'
import type { FoldResult } from '../../chain/fold.js'
import { LIMITS } from '../../chain/limits.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../../ports/verify.js'
import type { Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import { archiveState } from './archive-state.js'
import { chainState } from './chain-state.js'
import { type FoldTask, foldUntilBreak } from './fold-segment.js'
import { checkIndexesOf } from './index-counts.js'
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
  /** Whether a scan of a whole chain also counts its rows in the indexes of filters. Default: false. */
  readonly countsIndexes?: boolean
}

/** Reads a chain from Postgres: rows and head in one snapshot, the rows as a binary COPY stream. */
export class PostgresSource implements EntrySource {
  readonly name = 'postgres'
  readonly keepsHead = true
  readonly #database: Database
  readonly #options: Required<PostgresSourceOptions>

  constructor(database: Database, options: PostgresSourceOptions = {}) {
    this.#database = database
    this.#options = {
      share: 1,
      threads: 1,
      here: false,
      threadRows: THREAD_ROWS,
      countsIndexes: false,
      ...options,
    }
  }

  /** Threads do not say what they found before PostgreSQL fails, so one fold then reads the chain again. */
  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    // An observer receives the rows in order and once, so that one fold reads them.
    const threads = request.observer === undefined ? this.#options.threads : 0
    try {
      return await this.#scanOnce(request, threads, progress, signal)
    } catch (error) {
      if (threads < 2 || storeFailure(error) === undefined) throw error
    }
    return this.#scanOnce(request, 0, progress, signal)
  }

  async #scanOnce(
    request: ScanRequest,
    threads: number,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    const scan = await ScanClient.open(this.#database, signal)
    try {
      return await scan.run(() => this.#scanOn(scan, request, threads, progress, signal))
    } finally {
      await scan.close()
    }
  }

  async #scanOn(
    scan: ScanClient,
    request: ScanRequest,
    threads: number,
    progress: (p: ScanProgress) => void,
    signal: AbortSignal,
  ): Promise<Scan> {
    const { client } = scan
    const { domainId, fromSeq, pins, heads } = request
    const state = await chainState(client, domainId)
    const archive =
      request.readsArchive === false
        ? undefined
        : await archiveState(client, request, state.last?.seq ?? 0, false)
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
      heads,
      now: state.clock,
      keyed,
      share: this.#options.share,
    }
    const total = Math.max(end - fromSeq + 1, 0)
    const onRows = (rows: number) => progress({ rows, total })
    const joined = await this.#foldOnThreads(client, task, total, threads, onRows, signal)
    const { fold, broken } =
      joined === undefined ? await foldUntilBreak(client, task, onRows, request.observer) : { fold: joined }
    if (broken !== undefined) return cutScan({ ...state, archive, fold }, broken, signal)
    const indexes = this.#options.countsIndexes ? await checkIndexesOf(scan, request) : undefined
    await client.query('COMMIT')
    return { ...state, archive, fold, ...indexes }
  }

  /** Resolves with undefined if the chain is short, or if the threads could not fold it. */
  async #foldOnThreads(
    client: ScanClient['client'],
    task: FoldTask,
    total: number,
    most: number,
    onRows: (rows: number) => void,
    signal: AbortSignal,
  ): Promise<FoldResult | undefined> {
    const { here, threadRows } = this.#options
    const threads = Math.min(most, Math.floor(total / threadRows))
    if (threads < (here ? 2 : 1)) return undefined
    const { foldOnThreads } = await import('./fold-threads.js')
    return foldOnThreads(this.#database, client, task, { threads, here }, onRows, signal)
  }
}

/** Returns what was found before PostgreSQL failed. Throws the failure where nothing was found. */
function cutScan(scan: Scan, broken: AuditError, signal: AbortSignal): Scan {
  signal.throwIfAborted()
  const { findings, last } = scan.fold
  const message = last === undefined ? broken.message : `${broken.message}, after row ${last.seq}`
  const doubt = new AuditError(broken.code, message, { cause: broken, advice: broken.advice })
  if (findings.length === 0) throw doubt
  return { ...scan, isCut: true, doubts: [doubt] }
}
