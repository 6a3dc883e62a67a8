import type pg from 'pg'
import { Numbers } from '../chain/numbers.js'
import type { RowSnapshot, ScanRequest, SnapshotSource } from '../ports.js'
import { chainState, isKeyed } from './chain-state.js'
import type { Client, Database } from './database.js'
import { databaseError } from './database-error.js'
import { copyStatement } from './postgres-source.js'
import { streamRows } from './row-stream.js'

/**
 * Runs of neighbours: seq minus its rank is the same for all of one run. Both halves of a stamp are set at once, so where
 * one is left the other was taken away, and the row was archived.
 */
const UNSTAMPED = `
  SELECT min(seq) AS "from", max(seq) AS "to" FROM (
    SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM audit_log_entry
    WHERE domain_id = $1 AND archived_at IS NULL AND archive_etag IS NULL
  ) AS unstamped GROUP BY run ORDER BY 1`

/** Ranges a fetch. */
const PAGE = 5_000

/** As PostgresSource begins: no sort that spills, and rows that a policy hides are an error. */
export const SCAN_BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL enable_sort = off; SET LOCAL row_security = off`

const PRESENT = 'SELECT DISTINCT seq FROM audit_log_entry WHERE domain_id = $1 AND seq = ANY($2::bigint[])'

export function postgresSnapshots(database: Database): SnapshotSource {
  return {
    snapshot: (request, signal) => openSnapshot(database, request, signal),
    present: (domainId, seqs) =>
      database.withClient(async (client) => {
        const { rows } = await client.query<{ seq: string }>(PRESENT, [domainId, seqs])
        return new Set(rows.map(({ seq }) => Number(seq)))
      }),
  }
}

async function openSnapshot(
  database: Database,
  request: Omit<ScanRequest, 'pins'>,
  signal: AbortSignal,
): Promise<RowSnapshot> {
  signal.throwIfAborted()
  const client = await database.dedicated()
  const abort = () => client.connection.stream.destroy()
  signal.addEventListener('abort', abort)
  const close = async () => {
    signal.removeEventListener('abort', abort)
    await client.end().catch(() => undefined)
  }
  try {
    await client.query(SCAN_BEGIN)
    const state = await chainState(client, request.domainId)
    const unstamped = await unstampedRanges(client, request.domainId)
    return { ...state, unstamped, rows: () => rowsOf(client, request, signal), close }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw databaseError(error)
  }
}

/** Every other row may be one: then there are half as many ranges as rows, and they are fetched by the page. */
async function unstampedRanges(client: Client, domainId: string): Promise<Float64Array> {
  const bounds = new Numbers()
  await client.query(`DECLARE unstamped NO SCROLL CURSOR FOR ${UNSTAMPED}`, [domainId])
  for (let more = true; more; ) {
    const { rows } = await client.query<{ from: string; to: string }>(`FETCH ${PAGE} FROM unstamped`)
    for (const { from, to } of rows) {
      bounds.push(Number(from))
      bounds.push(Number(to))
    }
    more = rows.length === PAGE
  }
  await client.query('CLOSE unstamped')
  return bounds.all()
}

async function* rowsOf(client: pg.Client, request: Omit<ScanRequest, 'pins'>, signal: AbortSignal) {
  try {
    yield* streamRows(client, copyStatement(request, await isKeyed(client)), request.domainId)
  } catch (error) {
    signal.throwIfAborted()
    throw databaseError(error)
  }
}
