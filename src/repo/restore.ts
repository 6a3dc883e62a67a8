import { reasonOrdinal } from '../chain/reason.js'
import { formatTimestamp } from '../chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { AuditError } from '../errors.js'
import type { RestoredRow, RestoreTarget } from '../ports.js'
import { arrayLiteral } from './append-rows.js'
import { chainState } from './chain-state.js'
import type { Client, Database } from './database.js'

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'
const CLAIM = `SELECT pg_try_advisory_lock(hashtextextended('audit/restore/' || $1, 0)) AS claimed`
const RELEASE = `SELECT pg_advisory_unlock(hashtextextended('audit/restore/' || $1, 0))`

/** Rows that a restore before this one put in stay as they are; the verify at the end compares them with the mirror. */
const INSERT = `
  INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path,
    caveat_context, correlation_id, zedtoken, recorded_at, prev_hash, entry_hash, archived_at, archive_etag)
  SELECT domain_id, seq, decode(subject, 'hex'), relation, object, reason, path::text[], caveats::text[],
    correlation_id, zedtoken, recorded_at::timestamptz, decode(prev, 'hex'), decode(entry, 'hex'), clock_timestamp(), etag
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
    AS r(domain_id, seq, subject, relation, object, reason, path, caveats, correlation_id, zedtoken, recorded_at,
      prev, entry, etag)
  ON CONFLICT (domain_id, seq) DO NOTHING`

export function postgresRestoreTarget(database: Database): RestoreTarget {
  return {
    restoring: (domainId, use) => database.withClient((client) => restoring(client, domainId, use)),
    insert: (rows) => database.withTransaction(BEGIN, (client) => insert(client, rows)),
    finish: (domainId, head, mirrorUrl) =>
      database.withTransaction(BEGIN, async (client) => {
        await client.query(
          `INSERT INTO audit_log_chain_head (domain_id, next_seq, head_hash) VALUES ($1, $2, decode($3, 'hex'))`,
          [domainId, head.seq + 1, head.hash],
        )
        if (domainId === PLATFORM_ANCHOR) return
        await client.query(
          'INSERT INTO audit_domain (domain_id, mirror_url) VALUES ($1, $2) ON CONFLICT (domain_id) DO NOTHING',
          [domainId, mirrorUrl ?? null],
        )
      }),
  }
}

async function restoring<T>(client: Client, domainId: string, use: () => Promise<T>): Promise<T> {
  const { rows } = await client.query<{ claimed: boolean }>(CLAIM, [domainId])
  if (rows[0]?.claimed !== true)
    throw new AuditError('chain_exists', `another restore is at chain ${domainId}`)
  try {
    if ((await chainState(client, domainId)).head !== undefined) {
      throw new AuditError('chain_exists', `chain ${domainId} is there already`, {
        hint: `nothing was changed; run: audit verify --domain ${domainId} --source both`,
      })
    }
    return await use()
  } finally {
    await client.query(RELEASE, [domainId])
  }
}

async function insert(client: Client, rows: readonly RestoredRow[]): Promise<void> {
  const column = <T>(value: (row: RestoredRow['entry']) => T) => rows.map(({ entry }) => value(entry))
  await client.query({
    name: 'audit_restore_rows',
    text: INSERT,
    values: [
      column((e) => e.domainId),
      column((e) => e.seq),
      column((e) => e.subjectPseudonym),
      column((e) => e.relation),
      column((e) => e.object),
      column((e) => reasonOrdinal(e.reason)),
      column((e) => arrayLiteral(e.relationPath)),
      column((e) => arrayLiteral(e.caveatContext)),
      column((e) => e.correlationId),
      column((e) => e.zedtoken),
      column((e) => formatTimestamp(e.recordedAt)),
      column((e) => e.prevHash),
      column((e) => e.entryHash),
      rows.map(({ etag }) => etag),
    ],
  })
}
