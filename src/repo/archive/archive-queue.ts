import type pg from 'pg'
import { LIMITS } from '../../chain/limits.js'
import type { ArchiveQueue, WaitingChain } from '../../ports/archive.js'
import { type ClaimsRow, claimsColumns, readClaims } from '../query/domain-claims.js'
import { ChainClaims } from '../session/chain-claims.js'
import type { Client, Database } from '../session/database.js'
import { type EndState, undone } from '../session/end-state.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { collectRows } from '../wire/row-stream.js'
import { copyRange, scanRun } from './archive-scan.js'

/** The seqs that the format allows. Verify reports rows that were forced into the table with other seqs. */
const VALID_SEQ = `seq BETWEEN 1 AND ${LIMITS.maxSeq}`

/** The chains that have rows to archive. Walks the partial index with one probe per chain, not per row. */
const WAITING = `
  WITH RECURSIVE waiting(domain_id) AS (
    (SELECT domain_id FROM audit_log_entry
     WHERE archived_at IS NULL AND ${VALID_SEQ} ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.domain_id FROM audit_log_entry e
            WHERE e.archived_at IS NULL AND e.domain_id > w.domain_id AND e.${VALID_SEQ}
            ORDER BY e.domain_id LIMIT 1)
    FROM waiting w WHERE w.domain_id IS NOT NULL
  )
  SELECT w.domain_id::text AS id, ${claimsColumns('w.domain_id')},
    (SELECT seq FROM audit_log_entry e WHERE e.domain_id = w.domain_id AND archived_at IS NULL AND ${VALID_SEQ}
     ORDER BY seq LIMIT 1) AS first_seq,
    (SELECT max(seq) FROM audit_log_entry e WHERE e.domain_id = w.domain_id AND seq <= ${LIMITS.maxSeq}) AS last_seq
  FROM waiting w
  WHERE w.domain_id IS NOT NULL`

const NEXT_UNSTAMPED = `
  SELECT seq FROM audit_log_entry
  WHERE domain_id = $1 AND archived_at IS NULL AND seq > $2 AND ${VALID_SEQ} ORDER BY seq LIMIT 1`

/**
 * Stamps only rows without a stamp, so that two archivers that both uploaded a row stamp it once. An existing etag is
 * kept: the write-once trigger would otherwise reject the whole statement. The bounds $4 and $5 matter for a
 * table that was never analysed. Without them each batch reads the whole backlog: 0.56 ms per row with 20,000 rows.
 */
const STAMP = `
  UPDATE audit_log_entry e SET archived_at = clock_timestamp(), archive_etag = coalesce(e.archive_etag, s.etag)
  FROM unnest($2::bigint[], $3::text[]) AS s(seq, etag)
  WHERE e.domain_id = $1 AND e.seq = s.seq AND e.archived_at IS NULL AND e.seq BETWEEN $4 AND $5`

/** Finds and reads the rows to archive, and stamps them. Implements ArchiveQueue. */
export function postgresArchiveQueue(database: Database): ArchiveQueue {
  const claims = new ChainClaims(database, 'archive')
  return {
    waiting: () => database.withTransaction(SNAPSHOT_BEGIN, waiting),
    claim: async (domainId, use) => {
      if (!(await claims.take(domainId))) return false
      await use().finally(() => claims.release(domainId))
      return true
    },
    nextUnstamped: (domainId, after) =>
      database.withTransaction(SNAPSHOT_BEGIN, async (client) => {
        const { rows } = await client.query<{ seq: string }>(NEXT_UNSTAMPED, [domainId, after])
        return rows[0] === undefined ? undefined : Number(rows[0].seq)
      }),
    scan: (domainId, range, begin, signal) => scanRun(database, { domainId, ...range }, begin, signal),
    rows: (domainId, fromSeq, toSeq) =>
      database.withTransaction(SNAPSHOT_BEGIN, (client) =>
        collectRows(client as pg.Client, copyRange(domainId, fromSeq, toSeq), domainId),
      ),
    stamp: async (domainId, stamps) => {
      const seqs = stamps.map(({ seq }) => seq)
      const values = [domainId, seqs, stamps.map(({ etag }) => etag), Math.min(...seqs), Math.max(...seqs)]
      const { rowCount } = await database.write(
        (client) => client.query(STAMP, values),
        stamped(domainId, seqs),
      )
      return rowCount ?? 0
    },
    close: () => claims.close(),
  }
}

/** A row that was stamped meanwhile, by another archiver, has a stamp too: how many rows changed says nothing. */
function stamped(domainId: string, seqs: readonly number[]): EndState<pg.QueryResult> {
  const [first, last] = [Math.min(...seqs), Math.max(...seqs)]
  const what = `the stamps of rows ${first} to ${last} of chain ${domainId}`
  return {
    query: () => `SELECT seq FROM audit_log_entry
      WHERE domain_id = '${domainId}' AND seq = ANY ('{${seqs.join(',')}}'::bigint[]) AND archived_at IS NULL
        AND seq BETWEEN ${first} AND ${last} ORDER BY seq LIMIT 1`,
    assert: ([row]) => {
      if (row !== undefined) throw undone(what, `row ${String(row.seq)} had no stamp`)
    },
    describe: () => what,
  }
}

async function waiting(client: Client): Promise<WaitingChain[]> {
  const { rows } = await client.query<ClaimsRow & { id: string; first_seq: string; last_seq: string }>(
    WAITING,
  )
  return rows.map((row) => ({
    domainId: row.id,
    claims: readClaims(row),
    firstSeq: Number(row.first_seq),
    lastSeq: Number(row.last_seq),
  }))
}
