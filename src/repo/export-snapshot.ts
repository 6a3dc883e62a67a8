import type pg from 'pg'
import { formatTimestamp } from '../chain/timestamp.js'
import { AuditError } from '../errors.js'
import type { ExportRequest, ExportSnapshot, ExportStore, RowReader } from '../ports.js'
import { chainState, isKeyed } from './chain-state.js'
import { CopyFrames } from './copy-frames.js'
import { type ChunkSink, copyOut } from './copy-out.js'
import { COPY_COLUMNS, CopyRows } from './copy-rows.js'
import type { Database } from './database.js'
import { databaseError } from './database-error.js'
import { type Bind, entryConditions } from './list-entries.js'
import { SCAN_BEGIN } from './postgres-snapshot.js'

interface Bounds {
  readonly fromSeq: number
  readonly toSeq?: number | undefined
}

export function postgresExport(database: Database): ExportStore {
  return { open: (request, signal) => openExport(database, request, signal) }
}

async function openExport(
  database: Database,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<ExportSnapshot> {
  signal.throwIfAborted()
  const client = await database.dedicated()
  // An export that fails while it reads closes the connection under the client, which is no news then.
  client.on('error', () => undefined)
  const abort = () => client.connection.stream.destroy()
  signal.addEventListener('abort', abort)
  const close = async () => {
    signal.removeEventListener('abort', abort)
    await client.end().catch(() => undefined)
  }
  try {
    await client.query(SCAN_BEGIN)
    const state = await chainState(client, request.domainId)
    const bounds = state.last === undefined ? { fromSeq: 1 } : await boundsOf(client, request)
    return { ...state, ...bounds, read: (reader) => readRows(client, request, bounds, reader, signal), close }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw databaseError(error)
  }
}

/**
 * recorded_at never runs backwards, so a time range is a seq range. On a chain whose times were edited it is the
 * widest: from the first row that claims a time in it to the last.
 */
async function boundsOf(client: pg.Client, request: ExportRequest): Promise<Bounds> {
  const { domainId, from, to } = request
  if (from === undefined && to === undefined) return { fromSeq: request.fromSeq ?? 1, toSeq: request.toSeq }
  const { rows } = await client.query<{ first: string | null; last: string | null }>(
    `SELECT min(seq) AS first, max(seq) AS last FROM audit_log_entry
     WHERE domain_id = $1 AND recorded_at >= coalesce($2::timestamptz, '-infinity')
       AND recorded_at <= coalesce($3::timestamptz, 'infinity')`,
    [domainId, time(from), time(to)],
  )
  const { first, last } = rows[0] ?? { first: null, last: null }
  if (first === null || last === null) {
    throw new AuditError('nothing_to_verify', 'no row of the chain was recorded in that time')
  }
  return {
    fromSeq: from === undefined ? 1 : Math.max(1, Number(first)),
    toSeq: to === undefined ? undefined : Number(last),
  }
}

function time(micros: bigint | undefined): string | null {
  return micros === undefined ? null : formatTimestamp(micros)
}

async function readRows(
  client: pg.Client,
  request: ExportRequest,
  bounds: Bounds,
  reader: RowReader,
  signal: AbortSignal,
): Promise<void> {
  try {
    const copy = copyOf(request, bounds, client, await isKeyed(client))
    await copyOut(client, copy, new ReaderSink(request.domainId, reader))
  } catch (error) {
    signal.throwIfAborted()
    throw databaseError(error)
  }
}

/** Rows straight from the socket to the reader: queues and copies of them cost as much again. */
class ReaderSink implements ChunkSink {
  readonly done: Promise<Buffer>
  readonly #frames: CopyFrames
  readonly #reader: RowReader
  #finish: (rest: Buffer) => void = () => undefined

  constructor(domainId: string, reader: RowReader) {
    const rows = new CopyRows(domainId, {
      add: (row) => reader.row(row.stored()),
      addStored: (row) => reader.row(row),
    })
    this.#frames = new CopyFrames((bytes, from, to) => rows.push(bytes, from, to))
    this.#reader = reader
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  push(chunk: Buffer): void | Promise<void> {
    try {
      const rest = this.#frames.push(chunk)
      if (rest !== undefined) this.#finish(rest)
      return this.#reader.flow()
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/**
 * COPY takes no parameters: what the filter holds stands in it as literals that pg has escaped. Without the key there may
 * be rows without a seq; they come first, for the last line of a bundle is the end of its chain.
 */
function copyOf(
  { domainId, filter }: ExportRequest,
  { fromSeq, toSeq }: Bounds,
  client: pg.Client,
  keyed: boolean,
): string {
  const literal: Bind = (value) => literalOf(client, value)
  const wanted = entryConditions(filter, literal)
  const first = wanted.length === 0 ? fromSeq - 1 : fromSeq
  const conditions = [
    `domain_id = ${literal(domainId)}`,
    ...(fromSeq > 1 ? [`seq >= ${Math.trunc(first)}`] : []),
    ...(toSeq === undefined ? [] : [`seq <= ${Math.trunc(toSeq)}`]),
    ...wanted,
  ]
  return `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE ${conditions.join(' AND ')}
    ORDER BY ${keyed ? 'seq' : 'seq NULLS FIRST, entry_hash'}) TO STDOUT (FORMAT binary)`
}

function literalOf(client: pg.Client, value: unknown): string {
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'::bytea`
  return typeof value === 'number' ? String(value) : client.escapeLiteral(String(value))
}
