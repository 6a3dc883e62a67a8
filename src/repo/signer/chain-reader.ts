import type pg from 'pg'
import type { ChainReader, ChainRows, RowRange } from '../../ports/signer.js'
import { inKeyOrder, unstampedRows } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { ScanClient } from '../session/scan-client.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { copyStatement } from '../wire/copy-statement.js'
import { collectRows, streamRows } from '../wire/row-stream.js'
import { LAST_AND_RESTORING } from './rows-at-head.js'

/**
 * Ranges with at most this many rows are read at once, by a connection of the pool. A new connection for each chain would take
 * longer than all else that signing a row takes. A row has at most 70 kB.
 */
const FEW = 512

/**
 * The ranges of rows without a stamp: seq minus its rank is the same for all rows of one range. The bounds are sorted as numbers: as
 * text, 10 comes before 9.
 */
const STATE = `
  SELECT ${LAST_AND_RESTORING},
    ARRAY(SELECT bound::text AS digits FROM (
      SELECT min(seq) AS first, max(seq) AS last FROM (
        SELECT e.seq, e.seq - row_number() OVER (ORDER BY e.seq) AS run
        ${unstampedRows({ domainId: '$1', fromSeq: '$2', toSeq: '$3' })}
      ) AS unstamped GROUP BY run
    ) AS ranges CROSS JOIN LATERAL (VALUES (first), (last)) AS bounds(bound) ORDER BY first, bound) AS unstamped`

interface StateRow {
  readonly last: string | null
  readonly restoring: boolean
  readonly unstamped: string[]
}

/** Reads chains for a signer, with the privileges of audit_signer alone. Implements ChainReader. */
export function postgresChainReader(database: Database): ChainReader {
  return {
    snapshot: (range, signal) =>
      range.toSeq - range.fromSeq < FEW ? readFew(database, range) : openMany(database, range, signal),
  }
}

async function readFew(database: Database, range: RowRange): Promise<ChainRows> {
  return database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
    const state = await stateOf(client, range)
    const rows = await collectRows(client as pg.Client, copyStatement(range, false), range.domainId)
    return { ...state, rows: () => once(rows), close: async () => undefined }
  })
}

async function openMany(database: Database, range: RowRange, signal: AbortSignal): Promise<ChainRows> {
  const scan = await ScanClient.open(database, signal)
  return scan.runOrClose(async (client) => ({
    ...(await inKeyOrder(client, () => stateOf(client, range))),
    rows: () => rowsOf(scan, range),
    close: () => scan.close(),
  }))
}

async function* once<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows
}

async function* rowsOf(scan: ScanClient, range: RowRange) {
  try {
    yield* streamRows(scan.client, copyStatement(range, true), range.domainId)
  } catch (error) {
    throw scan.failure(error)
  }
}

async function stateOf(client: Client, { domainId, fromSeq, toSeq }: RowRange) {
  const { rows } = await client.query<StateRow>(STATE, [domainId, fromSeq, toSeq])
  const [state] = rows
  return {
    lastSeq: Number(state?.last ?? 0),
    isRestoring: state?.restoring === true,
    unstamped: (state?.unstamped ?? []).map(Number),
  }
}
