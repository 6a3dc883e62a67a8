import { AuditError } from '../base/errors.js'
import { itemsOf } from '../base/paging.js'
import { wireTime } from '../base/wire-time.js'
import { chainOfObject, PLATFORM_OBJECT, SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, Placed } from '../ports/append.js'
import type {
  RelationFilter,
  RelationStore,
  RelationTuple,
  StoredTuple,
  TuplePlace,
} from '../ports/relations.js'
import { relationChanged } from './actions.js'
import { auditItem, endAccess } from './audit-rows.js'
import { assertManages } from './authority.js'
import type { Management } from './management.js'

/** What became of a tuple, as `audit relation` prints it, with the rows that records it. */
export interface ChangedTupleJson extends RelationTuple {
  readonly changed: boolean
  readonly rows: readonly { readonly domain_id: string; readonly seq: number; readonly entry_hash: string }[]
}

export interface TupleJson extends RelationTuple {
  readonly created_at: string
}

/**
 * Gives a subject a relation; rows audit.relation-grant records it in the same transaction. What was granted before stays as
 * it is, and no row is written. Rejects with `access_denied`, `domain_not_found`, `usage` where tuples do not decide, and
 * as an append does.
 */
export async function grantRelation(ports: Management, tuple: RelationTuple): Promise<ChangedTupleJson> {
  const domainIds = await chainsConcerned(ports, tuple)
  const selfAudit = await auditItem(ports, domainIds, (pepper) => [
    relationChanged(SELF_AUDIT.relationGrant, pepper, tuple),
  ])
  return changed(tuple, await ports.relations.grant(tuple, selfAudit))
}

/** Takes it away again. Rejects as {@link grantRelation} does, and with `relation_not_found`. */
export async function revokeRelation(ports: Management, tuple: RelationTuple): Promise<ChangedTupleJson> {
  const domainIds = await chainsConcerned(ports, tuple)
  const actions = (pepper: Uint8Array) => [relationChanged(SELF_AUDIT.relationRevoke, pepper, tuple)]
  const end = (selfAudit: AppendItem) => ports.relations.revoke(tuple, selfAudit)
  return changed(tuple, await endAccess(ports, domainIds, actions, end))
}

/**
 * The chain of the object. Of a group, the platform chain, and each chain on which its members have a relation by it; it may
 * make owners of any, so those who manage it must be owners of the platform.
 */
async function chainsConcerned(ports: Management, tuple: RelationTuple): Promise<readonly string[]> {
  if (!ports.tuplesDecide) throw decidedElsewhere()
  const { object, relation } = tuple
  if (object.startsWith('group:')) {
    await assertManages(ports, 'owner', PLATFORM_OBJECT)
    const concerned = await ports.relations.chainsOf(object.slice('group:'.length))
    return [...new Set([PLATFORM_ANCHOR, ...concerned])]
  }
  const domainId = chainOfObject(object)
  if (domainId === undefined) throw new AuditError('internal', 'an object of no chain')
  await assertManages(ports, relation, object as Exclude<typeof object, `group:${string}`>)
  return [domainId]
}

/** A revocation that seems to have worked, and did not, is worse than one that is refused. */
export function decidedElsewhere(): AuditError {
  return new AuditError(
    'usage',
    'SpiceDB decides who may (AUDIT_SPICEDB_ENDPOINT), and has its own relations',
    {
      advice: { code: 'change_relations_in_spicedb' },
    },
  )
}

/** Yields every tuple that the filter selects, after the tuple `start`. */
export function streamTuples(
  store: RelationStore,
  filter: RelationFilter,
  start?: TuplePlace,
): AsyncGenerator<StoredTuple> {
  return itemsOf<StoredTuple, TuplePlace>({
    page: (range) => store.page(filter, range),
    start,
    keyOf: (tuple) => tuple,
  })
}

export function tupleJson({ object, relation, subject, createdAt }: StoredTuple): TupleJson {
  return { object, relation, subject, created_at: wireTime(createdAt) }
}

function changed(
  tuple: RelationTuple,
  { auditRows }: { readonly auditRows: readonly Placed[] },
): ChangedTupleJson {
  const rows = auditRows.map(({ domainId, seq, entryHash }) => ({
    domain_id: domainId,
    seq,
    entry_hash: entryHash,
  }))
  return { ...tuple, changed: auditRows.length > 0, rows }
}
