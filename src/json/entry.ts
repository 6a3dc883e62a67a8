import { type RowReason, rowReason } from '../base/row-filter.js'
import { wireTime } from '../base/wire-time.js'
import type { ReadEntry, TimeOrder } from '../ports/query.js'
import type { EntryProof } from '../query/get.js'
import type { EntryPage } from '../query/list.js'

/** `unknown` only for an ordinal outside 1 to 4 that somebody forced into the table. */
export type WireReason = RowReason

/**
 * AuditEntry of the HTTP contract, which the command line prints too. Times are RFC 3339 UTC, hashes lower-case hex. A row
 * that was forced into the table past its CHECKs is shown as far as it can be: a missing text or hash is empty, and a time
 * that cannot be written becomes the nearest one that can. Existing clients parse these fields, and one bad row must not
 * break them. Verify reports the row.
 */
export interface AuditEntry {
  readonly seq: number
  readonly domain_id: string
  /** The row's recorded_at. */
  readonly occurred_at: string
  readonly reason: WireReason
  readonly subject: { readonly pseudonym: string; readonly identity_id_ref?: string }
  readonly relation: string
  readonly object: { readonly type: string; readonly id: string }
  readonly decision: {
    readonly result: WireReason
    /** Maps the name of a caveat to the names of its parameters. Holds names only, never a value. */
    readonly caveat_context: Readonly<Record<string, readonly string[]>>
  }
  readonly correlation_id: string
  readonly request_context: { readonly ip?: string; readonly user_agent?: string }
  readonly entry_hash: string
  readonly prev_hash: string
  readonly archived_at?: string
  readonly archive_etag?: string
}

export interface AuditEntryList {
  readonly items: readonly AuditEntry[]
  /** Absent on the last page. */
  readonly next_cursor?: string
  /** Only where rows are selected by time. */
  readonly time_order?: TimeOrder
}

export interface AuditEntryProof {
  readonly entry: AuditEntry
  readonly proof: {
    readonly prev_hash: string
    readonly entry_hash: string
    /** In base64. */
    readonly canonical_bytes: string
  }
}

export function auditEntryList({ entries, nextCursor }: EntryPage, timeOrder?: TimeOrder): AuditEntryList {
  return {
    items: entries.map(auditEntry),
    ...(nextCursor !== undefined && { next_cursor: nextCursor }),
    ...(timeOrder !== undefined && { time_order: timeOrder }),
  }
}

export function auditEntryProof({ entry: row, canonicalBytes }: EntryProof): AuditEntryProof {
  const entry = auditEntry(row)
  const { prev_hash, entry_hash } = entry
  const canonical_bytes = Buffer.from(canonicalBytes).toString('base64')
  return { entry, proof: { prev_hash, entry_hash, canonical_bytes } }
}

export function auditEntry(entry: ReadEntry): AuditEntry {
  const reason = rowReason(entry.reason)
  return {
    seq: entry.seq,
    domain_id: entry.domainId,
    occurred_at: wireTime(entry.recordedAt),
    reason,
    subject: {
      pseudonym: entry.subjectPseudonym ?? '',
      ...(entry.identityId !== undefined && { identity_id_ref: entry.identityId }),
    },
    relation: entry.relation ?? '',
    object: splitObject(entry.object ?? ''),
    decision: { result: reason, caveat_context: caveatContext(entry.caveatContext ?? []) },
    correlation_id: entry.correlationId ?? '',
    request_context: {
      ...(entry.ip !== undefined && { ip: entry.ip }),
      ...(entry.userAgent !== undefined && { user_agent: entry.userAgent }),
    },
    entry_hash: entry.entryHash ?? '',
    prev_hash: entry.prevHash ?? '',
    ...(entry.archivedAt !== undefined && { archived_at: wireTime(entry.archivedAt) }),
    ...(entry.archiveEtag !== undefined && { archive_etag: entry.archiveEtag }),
  }
}

/** Splits at the first colon, as SQL's split_part does. A text without a colon is all type. */
function splitObject(object: string): { type: string; id: string } {
  const colon = object.indexOf(':')
  return colon < 0 ? { type: object, id: '' } : { type: object.slice(0, colon), id: object.slice(colon + 1) }
}

const CAVEAT = /^([A-Za-z_][A-Za-z0-9_]*)(?:\.([A-Za-z_][A-Za-z0-9_]*))?$/

/** Leaves out whatever is not a name, so that a value forced into the table does not leave through the read API. */
function caveatContext(names: readonly string[]): Record<string, string[]> {
  const byCaveat = new Map<string, string[]>()
  for (const name of names) {
    const [, caveat, parameter] = CAVEAT.exec(name) ?? []
    if (caveat === undefined) continue
    const parameters = byCaveat.get(caveat) ?? []
    byCaveat.set(caveat, parameter === undefined ? parameters : [...parameters, parameter])
  }
  // fromEntries defines properties; an assignment would set the prototype for a caveat named __proto__.
  return Object.fromEntries(byCaveat)
}
