import type pg from 'pg'
import type { StoredRow } from '../../chain/fold.js'
import { LIMITS } from '../../chain/limits.js'
import type { RunFacts } from '../../ports/archive.js'
import { countsFor } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { NO_TIMEOUTS, SCAN_BEGIN } from '../session/snapshot.js'
import { chainState } from '../verify/chain-state.js'
import { copyOut } from '../wire/copy-out.js'
import { COPY_COLUMNS } from '../wire/copy-rows.js'
import { rowSink } from '../wire/row-sink.js'

/** The next archived row. The walk reads only rows of the run, which are all read anyway. */
const STAMPED = `
  SELECT e.seq FROM audit_log_entry e
  WHERE e.domain_id = $1 AND e.seq > $2 AND e.seq <= $3 AND (SELECT ${countsFor('e', 's')} FROM audit_archive_stamp s
    WHERE s.domain_id = e.domain_id AND s.seq = e.seq ORDER BY 1 DESC LIMIT 1)
  ORDER BY e.seq LIMIT 1`

export interface ScanRange {
  readonly domainId: string
  readonly fromSeq: number
  readonly pastSeq: number
}

/** Implements ArchiveQueue.scan. */
export async function scanRun(
  database: Database,
  range: ScanRange,
  begin: (facts: RunFacts) => (row: StoredRow) => void,
  signal: AbortSignal,
): Promise<RunFacts> {
  signal.throwIfAborted()
  let abort: () => void = () => undefined
  try {
    return await database.withTransaction(`${SCAN_BEGIN}; ${NO_TIMEOUTS}`, async (client) => {
      // The protocol has no message that stops a COPY, so the connection is destroyed.
      abort = () => (client as pg.Client).connection.stream.destroy()
      signal.addEventListener('abort', abort)
      return scanWith(client as pg.Client, range, begin)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function scanWith(
  client: pg.Client,
  { domainId, fromSeq, pastSeq }: ScanRange,
  begin: (facts: RunFacts) => (row: StoredRow) => void,
): Promise<RunFacts> {
  const { head, last } = await chainState(client, domainId)
  const stampedSeq = await nextStamped(client, domainId, pastSeq)
  const facts = { head, last, stampedSeq }
  const copy = copyRange(domainId, fromSeq - 1, stampedSeq ?? LIMITS.maxSeq)
  await copyOut(client, copy, rowSink(domainId, begin(facts)))
  return facts
}

async function nextStamped(client: Client, domainId: string, after: number): Promise<number | undefined> {
  const { rows } = await client.query<{ seq: string }>(STAMPED, [domainId, after, LIMITS.maxSeq])
  return rows[0] === undefined ? undefined : Number(rows[0].seq)
}

/** Returns a COPY of a range of rows. COPY takes no parameters, so the id must be a checked UUID and the bounds numbers. */
export function copyRange(domainId: string, fromSeq: number, toSeq: number): string {
  return `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE domain_id = '${domainId}'
    AND seq BETWEEN ${Math.max(Math.trunc(fromSeq), 1)} AND ${Math.trunc(toSeq)} ORDER BY seq) TO STDOUT (FORMAT binary)`
}
