import { AuditError } from '../../base/errors.js'
import { DOMAIN_PREFIX, domainOfObject, PLATFORM_OBJECT, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { AppendItem, Placed } from '../../ports/append.js'
import type {
  RelationFilter,
  RelationStore,
  RelationTuple,
  StoredTuple,
  TuplePosition,
} from '../../ports/relations.js'
import { appendUnderLocks, chainsOf } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import { assertChain } from '../erasure/erase.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { quotedLiteral } from '../session/quoted-literal.js'
import { microsOf, readTime } from '../session/read-time.js'
import { recordedAfter, type Written, withheld, written } from '../session/written.js'
import { GROUPS_OF } from './relation-walk.js'

/**
 * Keeps relation tuples in PostgreSQL. A crash before COMMIT changes no tuple and leaves no row. Implements RelationStore.
 */
export function postgresRelations(database: Database): RelationStore {
  return {
    grant: (tuple, selfAudit) =>
      underLocks(
        database,
        chainsOf([selfAudit]),
        (client) => grant(client, tuple, selfAudit),
        written(({ auditRows }) => granted(tuple, auditRows)),
      ),
    revoke: (tuple, selfAudit) =>
      underLocks(
        database,
        chainsOf([selfAudit]),
        (client) => revoke(client, tuple, selfAudit),
        written(({ auditRows }) => revoked(tuple, auditRows)),
      ),
    page: (filter, range) => database.read((client) => page(client, filter, range)),
    chainsOf: (group) => database.read((client) => chainsOfGroup(client, group)),
  }
}

async function grant(client: Client, tuple: RelationTuple, selfAudit: AppendItem) {
  const domainId = domainOfObject(tuple.object)
  if (domainId !== undefined) await assertChain(client, domainId)
  if (!(await insertTuple(client, tuple))) return { auditRows: [] }
  return { auditRows: await appendUnderLocks(client, selfAudit) }
}

/** Inserts a tuple, and returns whether it is new. Throws `write_undone` where it is not there afterwards. */
export async function insertTuple(client: Client, tuple: RelationTuple): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO audit_relation_tuple (object, relation, subject) VALUES ($1, $2, $3)
     ON CONFLICT (object, relation, subject) DO NOTHING`,
    [tuple.object, tuple.relation, tuple.subject],
  )
  if (rowCount === 1) return true
  // No inserted row does not mean that the tuple was there: a trigger may have withheld it.
  if (await isStored(client, tuple)) return false
  throw withheld(`the relation ${tuple.relation} on ${tuple.object}`)
}

async function isStored(client: Client, tuple: RelationTuple): Promise<boolean> {
  const { rows } = await client.query<{ is_there: boolean }>(`SELECT ${isThere(tuple)} AS is_there`)
  return rows[0]?.is_there === true
}

function isThere({ object, relation, subject }: RelationTuple): string {
  const [o, r, s] = [object, relation, subject].map((text) => quotedLiteral(text))
  return `EXISTS (SELECT FROM audit_relation_tuple WHERE object = ${o} AND relation = ${r} AND subject = ${s})`
}

/** Returns how to see a granted tuple. Another program may have revoked it between COMMIT and the look. */
export function granted(tuple: RelationTuple, [auditRow]: readonly Placed[]): Written | undefined {
  if (auditRow === undefined) return undefined
  return {
    what: `the relation ${tuple.relation} on ${tuple.object}`,
    isThere: `${isThere(tuple)} OR ${recordedAfter(auditRow, SELF_AUDIT.relationRevoke)}`,
    otherwise: 'the subject did not have it',
  }
}

/** Returns how to see a revoked tuple. Another program may have granted it between COMMIT and the look. */
function revoked(tuple: RelationTuple, [auditRow]: readonly Placed[]): Written {
  return {
    what: `the revocation of ${tuple.relation} on ${tuple.object}`,
    isThere: `NOT ${isThere(tuple)} OR ${recordedAfter(auditRow, SELF_AUDIT.relationGrant)}`,
    otherwise: 'the subject still had it',
  }
}

async function revoke(client: Client, tuple: RelationTuple, selfAudit: AppendItem) {
  const { rowCount } = await client.query(
    'DELETE FROM audit_relation_tuple WHERE object = $1 AND relation = $2 AND subject = $3',
    [tuple.object, tuple.relation, tuple.subject],
  )
  if (rowCount === 1) return { auditRows: await appendUnderLocks(client, selfAudit) }
  if (await isStored(client, tuple)) throw withheld(`the revocation of ${tuple.relation} on ${tuple.object}`)
  throw new AuditError(
    'relation_not_found',
    `the subject does not have the relation ${tuple.relation} on ${tuple.object}`,
    {
      advice: { code: 'list_all_relations' },
    },
  )
}

interface TupleRow {
  readonly object: RelationTuple['object']
  readonly relation: RelationTuple['relation']
  readonly subject: string
  readonly created_at: string
}

async function page(
  client: Client,
  filter: RelationFilter,
  { after, limit }: { after: TuplePosition; limit: number },
): Promise<StoredTuple[]> {
  const key = [after?.object ?? '', after?.relation ?? '', after?.subject ?? '']
  const rows = await keysetPage<TupleRow>(client, {
    select: `SELECT object, relation, subject, ${microsOf('created_at')} AS created_at FROM audit_relation_tuple`,
    where: (bind) => [
      `(object, relation, subject) > (${key.map(bind).join(', ')})`,
      ...equals('object', filter.object, bind),
      ...equals('subject', filter.subject, bind),
    ],
    key: 'object, relation, subject',
    limit,
  })
  return rows.map(({ created_at, ...tuple }) => ({ ...tuple, createdAt: readTime(created_at) }))
}

const CHAINS_OF_GROUP = `${GROUPS_OF}
  SELECT DISTINCT CASE WHEN t.object = '${PLATFORM_OBJECT}' THEN '${PLATFORM_ANCHOR}' ELSE substr(t.object, ${DOMAIN_PREFIX.length + 1}) END AS id
  FROM up JOIN audit_relation_tuple t ON t.subject = up.subject
  WHERE t.object NOT LIKE 'group:%' ORDER BY id`

async function chainsOfGroup(client: Client, group: string): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(CHAINS_OF_GROUP, [`group:${group}#member`])
  return rows.map(({ id }) => id)
}
