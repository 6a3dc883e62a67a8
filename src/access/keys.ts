import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { chainObject, SELF_AUDIT } from '../chain/self-audit.js'
import type { Placed } from '../ports/append.js'
import type { ApiKeyFilter, ApiKeyRecord, ApiKeyStore, NewApiKey } from '../ports/keys.js'
import { keyCreated, keyRevoked, relationChanged } from './actions.js'
import { auditItem, endAccess } from './audit-rows.js'
import { assertMayManage, assertOwner, isOperator } from './authority.js'
import type { Management } from './management.js'

/** A key after a change, and the row that records the change. */
export interface ChangedKey {
  readonly record: ApiKeyRecord
  /** Absent when nothing changed. */
  readonly auditRow?: Placed | undefined
}

export interface CreatedKey extends ChangedKey {
  /** The key itself. It is not stored, so it can be shown only now. */
  readonly text: string
}

export type KeyRequest = Omit<NewApiKey, 'id' | 'secretHash'>

/**
 * Creates a key for its subject and, if relations are stored in audit's own tables, gives the subject the relation. The row
 * audit.key-create and, if the relation is new, the row audit.relation-grant are written in the same transaction. Rejects
 * with `access_denied`, `domain_not_found`, and with the errors of an append.
 */
export async function createKey(ports: Management, request: KeyRequest): Promise<CreatedKey> {
  await assertMayCreate(ports, request)
  const { key: text, ...identification } = ports.mint()
  const { domainId, relation, subject } = request
  const newKey: NewApiKey = { ...request, ...identification }
  const tuple = { object: chainObject(domainId), relation, subject }
  const creation = (pepper: Uint8Array) => [keyCreated(pepper, newKey)]
  const rowsWithoutGrant = await auditItem(ports, [domainId], creation)
  const rowsWithGrant = await auditItem(ports, [domainId], (pepper) => [
    ...creation(pepper),
    relationChanged(SELF_AUDIT.relationGrant, pepper, tuple),
  ])
  const tupleToGrant = ports.tuplesDecide ? tuple : undefined
  const { record, auditRows } = await ports.keys.create(newKey, tupleToGrant, (isGranted) =>
    isGranted ? rowsWithGrant : rowsWithoutGrant,
  )
  return { record, auditRow: auditRows[0], text }
}

/**
 * Rejects with `access_denied` unless the actor may create the key. A key acts as its subject, so a user or service must be
 * an owner to create a key for an owner; the operator may create any key but an owner-only key.
 */
async function assertMayCreate(ports: Management, request: KeyRequest): Promise<void> {
  const object = chainObject(request.domainId)
  if (request.ownerOnly) await assertOwner(ports, object)
  if (isOperator(ports.actor)) return
  const ownership = await ports.authorizer.check(request.subject, 'owner', object, ports.signal)
  await assertMayManage(ports, ownership.allowed ? 'owner' : request.relation, object)
}

/**
 * Revokes a key. A key that was revoked before stays as it is, and no row is written. The key's subject may revoke it, and
 * so may anyone who manages the chain. Rejects with `key_not_found`, `access_denied`, and with the errors of an append.
 */
export async function revokeKey(ports: Management, id: string): Promise<ChangedKey> {
  const found = await ports.keys.find(id)
  if (found === undefined) {
    throw new AuditError('key_not_found', `there is no API key ${id}`, { advice: { code: 'list_keys' } })
  }
  if (found.subject !== ports.actor) await assertMayManage(ports, 'admin', chainObject(found.domainId))
  if (found.state === 'revoked') return { record: found }
  const actions = (pepper: Uint8Array) => [keyRevoked(pepper, id)]
  const { record, auditRows } = await endAccess(ports, [found.domainId], actions, (row) =>
    ports.keys.revoke(id, row),
  )
  return { record, auditRow: auditRows[0] }
}

/** Yields every key that the filter selects, oldest first. */
export function streamKeys(store: ApiKeyStore, filter: ApiKeyFilter): AsyncGenerator<ApiKeyRecord> {
  return itemsOf<ApiKeyRecord, string | undefined>({
    page: (range) => store.page(filter, range),
    start: undefined,
    keyOf: ({ id }) => id,
  })
}
