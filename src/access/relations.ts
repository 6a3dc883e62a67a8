import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { chainOfObject, PLATFORM_OBJECT, SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, Placed } from '../ports/append.js'
import type {
  RelationFilter,
  RelationStore,
  RelationTuple,
  StoredTuple,
  TuplePosition,
} from '../ports/relations.js'
import { relationChanged } from './actions.js'
import { auditItem, endAccess } from './audit-rows.js'
import { assertMayManage } from './authority.js'
import type { Management } from './management.js'

/** A tuple that was granted or revoked, and the rows that record it: none when nothing changed. */
export interface ChangedTuple {
  readonly tuple: RelationTuple
  readonly auditRows: readonly Placed[]
}

/**
 * Gives a subject a relation and writes rows audit.relation-grant in the same transaction. A relation that was granted
 * before stays as it is, and no row is written. Rejects with `access_denied`, with `domain_not_found`, with `usage` when
 * tuples do not decide, and with the errors of an append.
 */
export async function grantRelation(ports: Management, tuple: RelationTuple): Promise<ChangedTuple> {
  const domainIds = await chainsToRecord(ports, tuple)
  const selfAudit = await auditItem(ports, domainIds, (pepper) => [
    relationChanged(SELF_AUDIT.relationGrant, pepper, tuple),
  ])
  const { auditRows } = await ports.relations.grant(tuple, selfAudit)
  return { tuple, auditRows }
}

/** Revokes a relation. Rejects as {@link grantRelation} does, and with `relation_not_found`. */
export async function revokeRelation(ports: Management, tuple: RelationTuple): Promise<ChangedTuple> {
  const domainIds = await chainsToRecord(ports, tuple)
  const actions = (pepper: Uint8Array) => [relationChanged(SELF_AUDIT.relationRevoke, pepper, tuple)]
  const change = (selfAudit: AppendItem) => ports.relations.revoke(tuple, selfAudit)
  const { auditRows } = await endAccess(ports, domainIds, actions, change)
  return { tuple, auditRows }
}

/**
 * Returns the chains that record the change: the chain of the object, or for a group the platform chain and each chain on
 * which the group has a relation. Rejects with `access_denied`. A membership can make anyone an owner, so an actor that
 * changes a group must be an owner of the platform.
 */
async function chainsToRecord(ports: Management, tuple: RelationTuple): Promise<readonly string[]> {
  if (!ports.tuplesDecide) throw decidedElsewhere()
  const { object, relation } = tuple
  if (object.startsWith('group:')) {
    await assertMayManage(ports, 'owner', PLATFORM_OBJECT)
    const opened = await ports.relations.chainsOf(object.slice('group:'.length))
    return [...new Set([PLATFORM_ANCHOR, ...opened])]
  }
  const domainId = chainOfObject(object)
  if (domainId === undefined) throw new AuditError('internal', 'the object has no chain')
  await assertMayManage(ports, relation, object as Exclude<typeof object, `group:${string}`>)
  return [domainId]
}

/**
 * Returns the error for a change of tuples while SpiceDB decides: a revocation without effect is worse than a refused one.
 */
export function decidedElsewhere(): AuditError {
  return new AuditError('usage', 'SpiceDB decides who may do what, and has its own relations', {
    advice: { code: 'change_relations_in_spicedb' },
  })
}

/** Yields every tuple that the filter selects, after the tuple `start`. */
export function streamTuples(
  store: RelationStore,
  filter: RelationFilter,
  start?: TuplePosition,
): AsyncGenerator<StoredTuple> {
  return itemsOf<StoredTuple, TuplePosition>({
    page: (range) => store.page(filter, range),
    start,
    keyOf: (tuple) => tuple,
  })
}
