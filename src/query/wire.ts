import { wireTime } from '../base/wire-time.js'
import type { Reason } from '../chain/reason.js'
import { reasonName } from '../chain/reason.js'
import type { ReadEntry } from '../ports/query.js'

/** `unknown` only for an ordinal outside 1 to 4 that somebody forced into the table. */
export type WireReason = Reason | 'unknown'

/**
 * AuditEntry of the read surface (http.md, "Schemas"). Times are RFC 3339 UTC, hashes lower-case hex. Of a row that was
 * forced into the table past its CHECKs, a text or hash that is missing is empty and a time that cannot be written is
 * the nearest that can: clients that exist parse these fields and must not break on one bad row. Verify names the row.
 */
export interface AuditEntry {
  readonly seq: number
  readonly domain_id: string
  /** recorded_at */
  readonly occurred_at: string
  readonly reason: WireReason
  readonly subject: { readonly pseudonym: string; readonly identity_id_ref?: string }
  readonly relation: string
  readonly object: { readonly type: string; readonly id: string }
  readonly decision: {
    readonly result: WireReason
    /** From a caveat's name to the names of its parameters: names only, never a value. */
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
  /** Absent where nothing follows. */
  readonly next_cursor?: string
}

export interface AuditEntryProof {
  readonly entry: AuditEntry
  readonly proof: {
    readonly prev_hash: string
    readonly entry_hash: string
    /** base64 */
    readonly canonical_bytes: string
  }
}

export function auditEntry(entry: ReadEntry): AuditEntry {
  const reason = wireReason(entry.reason)
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

function wireReason(ordinal: number | undefined): WireReason {
  return (ordinal === undefined ? undefined : reasonName(ordinal)) ?? 'unknown'
}

/** At the first colon, as SQL's split_part does: without one, all of it is the type. */
function splitObject(object: string): { type: string; id: string } {
  const colon = object.indexOf(':')
  return colon < 0 ? { type: object, id: '' } : { type: object.slice(0, colon), id: object.slice(colon + 1) }
}

const CAVEAT = /^([A-Za-z_][A-Za-z0-9_]*)(?:\.([A-Za-z_][A-Za-z0-9_]*))?$/

/** What is no name is left out: a value that was forced into the table does not leave by the read surface. */
function caveatContext(names: readonly string[]): Record<string, string[]> {
  const byCaveat = new Map<string, string[]>()
  for (const name of names) {
    const [, caveat, parameter] = CAVEAT.exec(name) ?? []
    if (caveat === undefined) continue
    const parameters = byCaveat.get(caveat) ?? []
    byCaveat.set(caveat, parameter === undefined ? parameters : [...parameters, parameter])
  }
  // fromEntries defines, where an assignment would set the prototype for a caveat named __proto__.
  return Object.fromEntries(byCaveat)
}
