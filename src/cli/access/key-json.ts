import type { ChangedKey, CreatedKey } from '../../access/keys.js'
import type { ChangedPolicy } from '../../access/policy.js'
import { wireTime } from '../../base/wire-time.js'
import type { ApiKeyRecord } from '../../ports/keys.js'
import type { Relation } from '../../ports/relations.js'

/** An API key as `audit key` prints it. */
export interface KeyJson {
  readonly id: string
  readonly domain_id: string
  /** Absent once the key is revoked. */
  readonly subject?: string
  readonly relation: Relation
  readonly read_only: boolean
  readonly owner_only: boolean
  readonly state: ApiKeyRecord['state']
  readonly created_at: string
  readonly expires_at?: string
  readonly revoked_at?: string
  readonly last_used_at?: string
}

/** A key with the row that records its change, if a row was written. */
export interface ChangedKeyJson extends KeyJson {
  readonly seq?: number
  readonly entry_hash?: string
}

export interface CreatedKeyJson extends ChangedKeyJson {
  readonly key: string
}

/** What a chain requires of callers that erase on it, as `audit key policy` prints it. */
export interface PolicyJson {
  readonly domain_id: string
  readonly erase: ChangedPolicy['erase']
  readonly seq?: number
  readonly entry_hash?: string
}

export function keyJson(key: ApiKeyRecord): KeyJson {
  const { subject, expiresAt, revokedAt, lastUsedAt } = key
  return {
    id: key.id,
    domain_id: key.domainId,
    ...(subject !== undefined && { subject }),
    relation: key.relation,
    read_only: key.readOnly,
    owner_only: key.ownerOnly,
    state: key.state,
    created_at: wireTime(key.createdAt),
    ...(expiresAt !== undefined && { expires_at: wireTime(expiresAt) }),
    ...(revokedAt !== undefined && { revoked_at: wireTime(revokedAt) }),
    ...(lastUsedAt !== undefined && { last_used_at: wireTime(lastUsedAt) }),
  }
}

export function changedKeyJson({ record, auditRow }: ChangedKey): ChangedKeyJson {
  return { ...keyJson(record), ...rowOf(auditRow) }
}

export function createdKeyJson(created: CreatedKey): CreatedKeyJson {
  return { ...changedKeyJson(created), key: created.text }
}

export function policyJson({ domainId, erase, auditRow }: ChangedPolicy): PolicyJson {
  return { domain_id: domainId, erase, ...rowOf(auditRow) }
}

function rowOf(row: ChangedKey['auditRow']): { readonly seq?: number; readonly entry_hash?: string } {
  return row === undefined ? {} : { seq: row.seq, entry_hash: row.entryHash }
}
