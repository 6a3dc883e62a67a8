import { wireTime } from '../../base/wire-time.js'
import type { Identified } from '../../identify/identify.js'
import type { Placed } from '../../ports/append.js'
import type { KnownMapping, KnownSubject, OwnRows } from '../../ports/identify.js'

/** What one chain holds about one pseudonym, as `audit identify` prints it. A field that is not stored is absent. */
export interface SubjectJson {
  readonly pseudonym: string
  readonly identity_id?: string
  readonly name?: string
  readonly email?: string
  readonly source_ip?: string
  readonly claims: readonly string[]
  readonly first_seen_at?: string
  readonly last_seen_at?: string
  /** The rows that have a context: an address, a user agent or metadata. */
  readonly contexts: number
  /** At most 100, those with the most rows first. */
  readonly addresses: readonly { readonly ip: string; readonly rows: number }[]
  readonly addresses_total: number
  readonly user_agents: readonly { readonly user_agent: string; readonly rows: number }[]
  readonly user_agents_total: number
  /** The rows of this pseudonym. They stay when the person is erased. */
  readonly rows: number
  readonly first_seq?: number
  readonly last_seq?: number
  readonly first_recorded_at?: string
  readonly last_recorded_at?: string
  /** The last row that records an erasure of the person. */
  readonly erasure?: { readonly seq: number; readonly recorded_at: string }
  /** The row that records that this was shown. Absent where nothing personal is stored. */
  readonly reveal?: { readonly seq: number; readonly entry_hash: string; readonly recorded_at: string }
}

export interface IdentifiedJson {
  readonly domain_id: string
  readonly subjects: readonly SubjectJson[]
}

export function identifiedJson({ domainId, subjects, auditRows }: Identified): IdentifiedJson {
  return {
    domain_id: domainId,
    subjects: subjects.map((subject) => subjectJson(subject, auditRows.get(subject.pseudonym))),
  }
}

function subjectJson(subject: KnownSubject, row: Placed | undefined): SubjectJson {
  const { pseudonym, mapping, contexts, addresses, userAgents, erasure } = subject
  return {
    pseudonym,
    ...mappingJson(mapping),
    contexts,
    addresses: addresses.values.map(({ value, rows }) => ({ ip: value, rows })),
    addresses_total: addresses.total,
    user_agents: userAgents.values.map(({ value, rows }) => ({ user_agent: value, rows })),
    user_agents_total: userAgents.total,
    ...rowsJson(subject.rows),
    ...(erasure && { erasure: { seq: erasure.seq, recorded_at: wireTime(erasure.erasedAt) } }),
    ...(row && {
      reveal: { seq: row.seq, entry_hash: row.entryHash, recorded_at: wireTime(row.recordedAt) },
    }),
  }
}

function mappingJson(mapping: KnownMapping | undefined) {
  const {
    identityId,
    plaintext,
    emailClaim,
    sourceIp,
    idpClaimNames = [],
    firstSeenAt,
    lastSeenAt,
  } = mapping ?? {}
  return {
    ...(identityId !== undefined && { identity_id: identityId }),
    ...(plaintext !== undefined && { name: plaintext }),
    ...(emailClaim !== undefined && { email: emailClaim }),
    ...(sourceIp !== undefined && { source_ip: sourceIp }),
    claims: idpClaimNames,
    ...(firstSeenAt !== undefined && { first_seen_at: wireTime(firstSeenAt) }),
    ...(lastSeenAt !== undefined && { last_seen_at: wireTime(lastSeenAt) }),
  }
}

function rowsJson({ count, firstSeq, lastSeq, firstAt, lastAt }: OwnRows) {
  return {
    rows: count,
    ...(firstSeq !== undefined && { first_seq: firstSeq }),
    ...(lastSeq !== undefined && { last_seq: lastSeq }),
    ...(firstAt !== undefined && { first_recorded_at: wireTime(firstAt) }),
    ...(lastAt !== undefined && { last_recorded_at: wireTime(lastAt) }),
  }
}
