import { Numbers } from '../../chain/numbers.js'
import type { RowSnapshot, ScanRequest, SnapshotSource } from '../../ports/verify.js'
import { inKeyOrder, unstampedRows } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import { copyStatement } from '../wire/copy-statement.js'
import { streamRows } from '../wire/row-stream.js'
import { archiveState } from './archive-state.js'
import { chainState } from './chain-state.js'
import { checkIndexesOf } from './index-counts.js'
import { hasPrimaryKey } from './primary-key.js'

/** Selects the ranges of rows without a stamp: seq minus its rank is the same for all rows of one range. */
const UNSTAMPED = `
  SELECT min(seq) AS "from", max(seq) AS "to" FROM (
    SELECT e.seq, e.seq - row_number() OVER (ORDER BY e.seq) AS run ${unstampedRows({ domainId: '$1' })}
  ) AS unstamped GROUP BY run ORDER BY 1`

/** Ranges in a FETCH. */
const PAGE = 5_000

const PRESENT = 'SELECT DISTINCT seq FROM audit_log_entry WHERE domain_id = $1 AND seq = ANY($2::bigint[])'

/** Reads chains row by row, for a comparison with the mirror. Implements SnapshotSource. */
export function postgresSnapshots(
  database: Database,
  options: { readonly countsIndexes?: boolean } = {},
): SnapshotSource {
  return {
    snapshot: (request, signal) => openSnapshot(database, request, options.countsIndexes === true, signal),
    present: (domainId, seqs) =>
      database.read(async (client) => {
        const { rows } = await client.query<{ seq: string }>(PRESENT, [domainId, seqs])
        return new Set(rows.map(({ seq }) => Number(seq)))
      }),
  }
}

async function openSnapshot(
  database: Database,
  request: Omit<ScanRequest, 'pins'>,
  countsIndexes: boolean,
  signal: AbortSignal,
): Promise<RowSnapshot> {
  const scan = await ScanClient.open(database, signal)
  return scan.runOrClose(async (client) => {
    const state = await chainState(client, request.domainId)
    const unstamped = await inKeyOrder(client, () => unstampedRanges(client, request.domainId))
    const archive = await archiveState(client, request, state.last?.seq ?? 0, true)
    return {
      ...state,
      unstamped,
      archive,
      rows: () => rowsOf(scan, request),
      checkIndexes: async () => (countsIndexes ? checkIndexesOf(scan, request) : undefined),
      close: () => scan.close(),
    }
  })
}

/** Returns the bounds of all ranges. If every other row lacks a stamp, there are half as many ranges as rows: they are fetched in pages. */
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

async function* rowsOf(scan: ScanClient, request: Omit<ScanRequest, 'pins'>) {
  const { client } = scan
  try {
    yield* streamRows(client, copyStatement(request, await hasPrimaryKey(client)), request.domainId)
  } catch (error) {
    throw scan.failure(error)
  }
}
