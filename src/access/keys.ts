import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { wireTime } from '../base/wire-time.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import type { ApiKeyFilter, ApiKeyRecord, ApiKeyStore, NewApiKey } from '../ports/keys.js'
import type { Relation } from '../ports/relations.js'
import { keyCreated, keyRevoked, relationChanged } from './actions.js'
import { auditItem, endAccess } from './audit-rows.js'
import { assertManages, assertOwner, isOperator } from './authority.js'
import type { Management } from './management.js'

/** An API key as `audit key` prints it. */
export interface KeyJson {
  readonly id: string
  readonly domain_id: string
  /** Absent once revoked. */
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

/** With the row that tells of it, where one was written. */
export interface ToldKeyJson extends KeyJson {
  readonly seq?: number
  readonly entry_hash?: string
}

/** The one time that its text is shown. */
export interface CreatedKeyJson extends ToldKeyJson {
  readonly key: string
}

export type KeyRequest = Omit<NewApiKey, 'id' | 'secretHash'>

/**
 * Makes a key for its subject and, where tuples decide, gives the subject the relation; rows audit.key-create and, if the
 * relation is new, audit.relation-grant records it in the same transaction. Rejects with `access_denied`,
 * `domain_not_found`, and as an append does.
 */
export async function createKey(ports: Management, request: KeyRequest): Promise<CreatedKeyJson> {
  await assertMayCreate(ports, request)
  const { key, ...minted } = ports.mint()
  const { domainId, relation, subject } = request
  const made: NewApiKey = { ...request, ...minted }
  const tuple = { object: chainObject(domainId), relation, subject }
  const created = (pepper: Uint8Array) => [keyCreated(pepper, made)]
  const plain = await auditItem(ports, [domainId], created)
  const granting = await auditItem(ports, [domainId], (pepper) => [
    ...created(pepper),
    relationChanged(SELF_AUDIT.relationGrant, pepper, tuple),
  ])
  const grant = ports.tuplesDecide ? tuple : undefined
  const { record, auditRows } = await ports.keys.create(made, grant, (granted) =>
    granted ? granting : plain,
  )
  return { ...withRow(record, auditRows), key }
}

/** A key acts as its subject: one for an owner gives what only an owner can give. */
async function assertMayCreate(ports: Management, request: KeyRequest): Promise<void> {
  const object = chainObject(request.domainId)
  if (request.ownerOnly) await assertOwner(ports, object)
  if (isOperator(ports.actor)) return
  const isOwners = await ports.authorizer.check(request.subject, 'owner', object, ports.signal)
  await assertManages(ports, isOwners.allowed ? 'owner' : request.relation, object)
}

/**
 * Ends a key, once: one that was revoked before stays as it is and no row is written. Its subject may, and so may whoever
 * manages the chain. Rejects with `key_not_found`, `access_denied`, and as an append does.
 */
export async function revokeKey(ports: Management, id: string): Promise<ToldKeyJson> {
  const found = await ports.keys.find(id)
  if (found === undefined) {
    throw new AuditError('key_not_found', `there is no API key ${id}`, { advice: { code: 'list_keys' } })
  }
  if (found.subject !== ports.actor) await assertManages(ports, 'admin', chainObject(found.domainId))
  if (found.state === 'revoked') return keyJson(found)
  const actions = (pepper: Uint8Array) => [keyRevoked(pepper, id)]
  const { record, auditRows } = await endAccess(ports, [found.domainId], actions, (row) =>
    ports.keys.revoke(id, row),
  )
  return withRow(record, auditRows)
}

/** Throws `usage`. The text is not repeated: it may be the key itself. */
export function parseKeyId(text: string): string {
  if (/^ak_[0-9a-f]{16}$/.test(text)) return text
  throw new AuditError('usage', 'expected the id of a key, ak_ and 16 hex digits', {
    advice: { code: 'list_keys' },
  })
}

/** Yields every key that the filter selects, oldest first. */
export function streamKeys(store: ApiKeyStore, filter: ApiKeyFilter): AsyncGenerator<ApiKeyRecord> {
  return itemsOf<ApiKeyRecord, string | undefined>({
    page: (range) => store.page(filter, range),
    start: undefined,
    keyOf: ({ id }) => id,
  })
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

function withRow(record: ApiKeyRecord, [row]: readonly Placed[]): ToldKeyJson {
  return { ...keyJson(record), ...(row !== undefined && { seq: row.seq, entry_hash: row.entryHash }) }
}
