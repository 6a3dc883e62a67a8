import type pg from 'pg'
import type { ArchiveQueue, RowWindow, WaitingChain } from '../ports.js'
import { chainHead } from './chain-state.js'
import { COPY_COLUMNS } from './copy-rows.js'
import type { Client, Database } from './database.js'
import { collectRows } from './row-stream.js'

/** The chains that have rows to archive, by a walk along the partial index: one probe a chain, not one a row. */
const WAITING = `
  WITH RECURSIVE waiting(domain_id) AS (
    (SELECT domain_id FROM audit_log_entry WHERE archived_at IS NULL ORDER BY domain_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.domain_id FROM audit_log_entry e
            WHERE e.archived_at IS NULL AND e.domain_id > w.domain_id ORDER BY e.domain_id LIMIT 1)
    FROM waiting w WHERE w.domain_id IS NOT NULL
  )
  SELECT w.domain_id::text AS id, d.mirror_url FROM waiting w LEFT JOIN audit_domain d USING (domain_id)
  WHERE w.domain_id IS NOT NULL`

/** Of the session: it goes with the connection, so an archiver that dies gives its chain back. */
const CLAIM = `SELECT pg_try_advisory_lock(hashtextextended('audit/archive/' || $1, 0)) AS claimed`
const RELEASE = `SELECT pg_advisory_unlock(hashtextextended('audit/archive/' || $1, 0))`

const UNSTAMPED = `
  SELECT seq FROM audit_log_entry WHERE domain_id = $1 AND archived_at IS NULL AND seq > $2 ORDER BY seq LIMIT $3`

/** Only a row without a stamp gets one: two archivers that both uploaded it stamp it once. */
const STAMP = `
  UPDATE audit_log_entry e SET archived_at = clock_timestamp(), archive_etag = s.etag
  FROM unnest($2::bigint[], $3::text[]) AS s(seq, etag)
  WHERE e.domain_id = $1 AND e.seq = s.seq AND e.archived_at IS NULL`

export function postgresArchiveQueue(database: Database): ArchiveQueue {
  return {
    waiting: () => database.withClient(waiting),
    claim: (domainId, use) => database.withClient((client) => claim(client, domainId, use)),
    unstamped: (domainId, after, limit) =>
      database.withClient(async (client) => {
        const { rows } = await client.query<{ seq: string }>(UNSTAMPED, [domainId, after, limit])
        return rows.map(({ seq }) => Number(seq))
      }),
    window: (domainId, fromSeq, toSeq) => window(database, domainId, fromSeq, toSeq),
    stamp: (domainId, stamps) =>
      database.withClient(async (client) => {
        const values = [domainId, stamps.map(({ seq }) => seq), stamps.map(({ etag }) => etag)]
        return (await client.query(STAMP, values)).rowCount ?? 0
      }),
  }
}

async function waiting(client: Client): Promise<WaitingChain[]> {
  const { rows } = await client.query<{ id: string; mirror_url: string | null }>(WAITING)
  return rows.map(({ id, mirror_url }) => ({ domainId: id, mirrorUrl: mirror_url ?? undefined }))
}

async function claim(client: Client, domainId: string, use: () => Promise<void>): Promise<boolean> {
  const { rows } = await client.query<{ claimed: boolean }>(CLAIM, [domainId])
  if (rows[0]?.claimed !== true) return false
  try {
    await use()
    return true
  } finally {
    await client.query(RELEASE, [domainId])
  }
}

function window(database: Database, domainId: string, fromSeq: number, toSeq: number): Promise<RowWindow> {
  return database.withTransaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async (client) => {
    const head = await chainHead(client, domainId)
    const copy = `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE domain_id = '${domainId}'
      AND seq BETWEEN ${fromSeq - 1} AND ${toSeq + 1} ORDER BY seq) TO STDOUT (FORMAT binary)`
    return { rows: await collectRows(client as pg.Client, copy, domainId), head }
  })
}
