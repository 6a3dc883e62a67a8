import type pg from 'pg'
import { AuditError } from '../../base/errors.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type {
  ExportFilter,
  ExportRequest,
  ExportSnapshot,
  ExportStore,
  RowReceiver,
} from '../../ports/bundle.js'
import type { EntryFilter } from '../../ports/query.js'
import { entryConditions } from '../query/entry-conditions.js'
import { assureKey, rowsByKey, whereAll } from '../session/by-key.js'
import type { Database } from '../session/database.js'
import type { Bind } from '../session/keyset-page.js'
import { ScanClient } from '../session/scan-client.js'
import { chainState } from '../verify/chain-state.js'
import { hasPrimaryKey } from '../verify/primary-key.js'
import { copyOut } from '../wire/copy-out.js'
import { COPY_COLUMNS } from '../wire/copy-rows.js'
import { takerSink } from '../wire/row-sink.js'

interface Bounds {
  readonly fromSeq: number
  readonly toSeq?: number | undefined
}

/** Reads the rows of a bundle in one snapshot. Implements ExportStore. */
export function postgresExport(database: Database): ExportStore {
  return { open: (request, signal) => openExport(database, request, signal) }
}

async function openExport(
  database: Database,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<ExportSnapshot> {
  const scan = await ScanClient.open(database, signal)
  return scan.runOrClose(async (client) => {
    const state = await chainState(client, request.domainId)
    const bounds = state.last === undefined ? { fromSeq: 1 } : await boundsOf(client, request)
    const read = (reader: RowReceiver) => scan.run(() => readRows(client, request, bounds, reader))
    return { ...state, ...bounds, read, close: () => scan.close() }
  })
}

/**
 * Returns the seq range of a request: from the first row with a time in the time range to the last. Every row outside it is
 * compared, so that an edited time leaves out no row.
 */
async function boundsOf(client: pg.Client, request: ExportRequest): Promise<Bounds> {
  const { domainId, from, to, byKey } = request
  if (from === undefined && to === undefined) return { fromSeq: request.fromSeq ?? 1, toSeq: request.toSeq }
  const source = byKey === true ? rowsByKey(['domain_id = $1']) : 'audit_log_entry'
  const query = `SELECT min(seq) AS first, max(seq) AS last FROM ${source} e
    WHERE domain_id = $1 AND recorded_at >= coalesce($2::timestamptz, '-infinity')
      AND recorded_at <= coalesce($3::timestamptz, 'infinity')`
  const values = [domainId, time(from), time(to)]
  if (byKey === true) await assureKey(client, query, values)
  const { rows } = await client.query<{ first: string | null; last: string | null }>(query, values)
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
  reader: RowReceiver,
): Promise<void> {
  const select = selectOf(request, bounds, client, await hasPrimaryKey(client))
  if (request.byKey === true) await assureKey(client, select, [])
  const copy = `COPY (${select}) TO STDOUT (FORMAT binary)`
  const sink = takerSink(request.domainId, reader, () => reader.flow())
  await copyOut(client, copy, sink)
}

/**
 * Returns a SELECT of the rows for a COPY. COPY takes no parameters, so the values of the filter are literals that pg has escaped.
 * Without the primary key there may be rows without a seq. They come first, because the last line of a bundle is the end
 * of its chain.
 */
function selectOf(
  { domainId, filter, byKey }: ExportRequest,
  { fromSeq, toSeq }: Bounds,
  client: pg.Client,
  keyed: boolean,
): string {
  const literal: Bind = (value) => literalOf(client, value)
  const entryFilter = entryFilterOf(filter)
  const wanted = entryConditions(entryFilter, literal)
  const first = wanted.length === 0 ? fromSeq - 1 : fromSeq
  const range = [
    `domain_id = ${literal(domainId)}`,
    ...(fromSeq > 1 ? [`seq >= ${Math.trunc(first)}`] : []),
    ...(toSeq === undefined ? [] : [`seq <= ${Math.trunc(toSeq)}`]),
  ]
  const order = keyed ? 'seq' : 'seq NULLS FIRST, entry_hash'
  const [rows, conditions] =
    byKey === true ? [rowsByKey(range), wanted] : ['audit_log_entry', [...range, ...wanted]]
  return `SELECT ${COPY_COLUMNS} FROM ${rows} e ${whereAll(conditions)} ORDER BY ${order}`
}

function entryFilterOf({ reason, ...others }: ExportFilter): EntryFilter {
  return { ...others, ...(reason !== undefined && { reasons: [reason] }) }
}

function literalOf(client: pg.Client, value: unknown): string {
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'::bytea`
  return typeof value === 'number' ? String(value) : client.escapeLiteral(String(value))
}
