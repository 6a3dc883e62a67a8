import type { PreviousRow } from '../../chain/evidence/row-check.js'
import { ZERO_HASH } from '../../chain/hash.js'
import type { ReadEntry } from '../../ports/query.js'
import { joinStamp } from '../session/archive-stamp.js'
import { microsOf, readTime } from '../session/read-time.js'

/**
 * The columns of {@link EntryRow}, for `audit_log_entry e` with {@link ENTRY_JOINS}. No expression may fail for any
 * stored value: a row that was forced past the CHECKs must still be readable.
 */
export const ENTRY_COLUMNS = `
  e.domain_id, e.seq, e.generation, encode(e.subject_pseudonym, 'hex') AS subject_pseudonym, e.relation, e.object,
  e.reason, ${flatArray('e.relation_path')} AS relation_path, ${flatArray('e.caveat_context')} AS caveat_context,
  e.correlation_id, e.zedtoken, ${microsOf('e.recorded_at')} AS recorded_at,
  encode(e.prev_hash, 'hex') AS prev_hash, encode(e.entry_hash, 'hex') AS entry_hash,
  ${microsOf('stamp.archived_at')} AS archived_at, stamp.archive_etag,
  before.seq AS previous_seq, encode(before.entry_hash, 'hex') AS previous_hash,
  p.identity_id, host(c.ip) AS ip, c.user_agent, c.metadata::text AS metadata,
  ${microsOf('c.event_time')} AS event_time`

/**
 * Joins the stored row before and the stamp, by one probe of a primary key each, and the data beside the chain: the subject's
 * personal data while they exist, and the context of the request.
 */
export const ENTRY_JOINS = `
  LEFT JOIN LATERAL (
    SELECT b.seq, b.entry_hash FROM audit_log_entry b
    WHERE b.domain_id = e.domain_id AND b.seq < e.seq AND b.seq > 0 ORDER BY b.seq DESC LIMIT 1
  ) before ON true
  ${joinStamp('e')}
  LEFT JOIN audit_subject_pii p ON p.domain_id = e.domain_id AND p.subject_pseudonym = e.subject_pseudonym
  LEFT JOIN audit_entry_context c ON c.domain_id = e.domain_id AND c.seq = e.seq`

/** Returns SQL that is NULL for an array that the chain format cannot hold: with several dimensions or another lower bound than 1. */
export function flatArray(column: string): string {
  return `CASE WHEN coalesce(array_ndims(${column}) = 1 AND array_lower(${column}, 1) = 1, true) THEN ${column} END`
}

export interface EntryRow {
  readonly domain_id: string
  readonly seq: string
  readonly generation: number | null
  readonly subject_pseudonym: string | null
  readonly relation: string | null
  readonly object: string | null
  readonly reason: number | null
  readonly relation_path: readonly (string | null)[] | null
  readonly caveat_context: readonly (string | null)[] | null
  readonly correlation_id: string | null
  readonly zedtoken: string | null
  readonly recorded_at: string | null
  readonly prev_hash: string | null
  readonly entry_hash: string | null
  readonly previous_seq: string | null
  readonly previous_hash: string | null
  readonly archived_at: string | null
  readonly archive_etag: string | null
  readonly identity_id: string | null
  readonly ip: string | null
  readonly user_agent: string | null
  readonly metadata: string | null
  readonly event_time: string | null
}

export function readEntry(row: EntryRow): ReadEntry {
  return {
    domainId: row.domain_id,
    seq: Number(row.seq),
    generation: row.generation ?? undefined,
    subjectPseudonym: row.subject_pseudonym ?? undefined,
    relation: row.relation ?? undefined,
    object: row.object ?? undefined,
    reason: row.reason ?? undefined,
    relationPath: texts(row.relation_path),
    caveatContext: texts(row.caveat_context),
    correlationId: row.correlation_id ?? undefined,
    zedtoken: row.zedtoken ?? undefined,
    recordedAt: readTime(row.recorded_at),
    prevHash: row.prev_hash ?? undefined,
    entryHash: row.entry_hash ?? undefined,
    previous: previousRow(row),
    archivedAt: readTime(row.archived_at),
    archiveEtag: row.archive_etag ?? undefined,
    identityId: row.identity_id ?? undefined,
    ip: row.ip ?? undefined,
    userAgent: row.user_agent ?? undefined,
    metadata: row.metadata ?? undefined,
    eventTime: readTime(row.event_time),
  }
}

function previousRow({ previous_seq: seq, previous_hash: hash }: EntryRow): PreviousRow {
  return seq === null ? { seq: 0, entryHash: ZERO_HASH } : { seq: Number(seq), entryHash: hash ?? undefined }
}

function texts(items: readonly (string | null)[] | null): readonly string[] | undefined {
  return items?.every((item): item is string => item !== null) ? items : undefined
}
