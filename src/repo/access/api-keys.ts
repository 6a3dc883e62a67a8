import { AuditError } from '../../base/errors.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { AppendItem } from '../../ports/append.js'
import type { ApiKeyFilter, ApiKeyRecord, ApiKeyStore, NewApiKey } from '../../ports/keys.js'
import type { Relation } from '../../ports/relations.js'
import { appendUnderLocks, chainsOf } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import { assertChain } from '../erasure/erase.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { literalOrNull, quotedLiteral } from '../session/quoted-literal.js'
import { microsOf, readTime } from '../session/read-time.js'
import { assertWritten, type Written, withheld, written } from '../session/written.js'
import { granted, insertTuple } from './relation-tuples.js'

/** Keeps API keys in PostgreSQL. A crash before COMMIT leaves neither a key nor its rows. Implements ApiKeyStore. */
export function postgresApiKeys(database: Database): ApiKeyStore {
  return {
    create: (key, grant, selfAudit) =>
      underLocks(
        database,
        chainsOf([selfAudit(true)]),
        async (client) => {
          await assertChain(client, key.domainId)
          const record = await insert(client, key)
          await assertWritten(client, created(key))
          const isGranted = grant !== undefined && (await insertTuple(client, grant))
          return { record, auditRows: await appendUnderLocks(client, selfAudit(isGranted)) }
        },
        written(() => created(key)),
        // The grant was recorded by a row of its own, after the row of the key, unless the tuple was there before.
        written(({ auditRows }) => (grant === undefined ? undefined : granted(grant, auditRows.slice(1)))),
      ),
    revoke: (id, selfAudit) =>
      underLocks(
        database,
        chainsOf([selfAudit]),
        (client) => revoke(client, id, selfAudit),
        written(() => revoked(id)),
      ),
    find: (id) => database.read((client) => find(client, id)),
    page: (filter, range) => database.read((client) => page(client, filter, range)),
  }
}

/** Returns how to see a key. No command deletes one; another program may have revoked it, which deletes the subject. */
function created(key: NewApiKey): Written {
  const { id, domainId, secretHash, subject, relation, readOnly, ownerOnly, expiresAt } = key
  const expiry = literalOrNull(expiresAt === undefined ? undefined : formatTimestamp(expiresAt))
  return {
    what: `API key ${id} on chain ${domainId}`,
    isThere: `EXISTS (SELECT FROM audit_api_key WHERE key_id = ${quotedLiteral(id)} AND domain_id = '${domainId}'
      AND secret_sha256 = decode('${secretHash}', 'hex') AND relation = ${quotedLiteral(relation)}
      AND read_only = ${readOnly} AND owner_only = ${ownerOnly}
      AND expires_at IS NOT DISTINCT FROM ${expiry}::timestamptz
      AND (revoked_at IS NOT NULL OR subject = ${quotedLiteral(subject)}))`,
    otherwise: 'no such key was there',
  }
}

/** A revocation is final. */
function revoked(id: string): Written {
  return {
    what: `the revocation of API key ${id}`,
    isThere: `EXISTS (SELECT FROM audit_api_key
      WHERE key_id = ${quotedLiteral(id)} AND revoked_at IS NOT NULL AND subject IS NULL)`,
    otherwise: 'the key was not revoked',
  }
}

const COLUMNS = `key_id, domain_id, subject, relation, read_only, owner_only, ${microsOf('created_at')} AS created_at,
  ${microsOf('expires_at')} AS expires_at, ${microsOf('revoked_at')} AS revoked_at,
  ${microsOf('last_used_at')} AS last_used_at,
  CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
    WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'active' END AS state`

interface KeyRow {
  readonly key_id: string
  readonly domain_id: string
  readonly subject: string | null
  readonly relation: Relation
  readonly read_only: boolean
  readonly owner_only: boolean
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  readonly last_used_at: string | null
  readonly state: ApiKeyRecord['state']
}

async function insert(client: Client, key: NewApiKey): Promise<ApiKeyRecord> {
  const { rows } = await client.query<KeyRow>(
    `INSERT INTO audit_api_key
       (key_id, domain_id, subject, relation, secret_sha256, read_only, owner_only, expires_at)
     VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8) RETURNING ${COLUMNS}`,
    [
      key.id,
      key.domainId,
      key.subject,
      key.relation,
      key.secretHash,
      key.readOnly,
      key.ownerOnly,
      key.expiresAt === undefined ? null : formatTimestamp(key.expiresAt),
    ],
  )
  const [record] = rows.map(readKey)
  if (record === undefined) throw withheld(`API key ${key.id}`)
  return record
}

/** Revokes a key and deletes its subject. The chain keeps only the subject's pseudonym. */
async function revoke(client: Client, id: string, selfAudit: AppendItem) {
  const { rows } = await client.query<KeyRow>(
    `UPDATE audit_api_key SET revoked_at = clock_timestamp(), subject = NULL
     WHERE key_id = $1 AND revoked_at IS NULL RETURNING ${COLUMNS}`,
    [id],
  )
  const [record] = rows.map(readKey)
  if (record !== undefined) return { record, auditRows: await appendUnderLocks(client, selfAudit) }
  const stored = theOnly([await find(client, id)], id)
  // No updated row does not mean that the key was revoked before: a trigger may have withheld it.
  if (stored.revokedAt === undefined) throw withheld(`the revocation of API key ${id}`)
  return { record: stored, auditRows: [] }
}

function theOnly([record]: readonly (ApiKeyRecord | undefined)[], id: string): ApiKeyRecord {
  if (record === undefined) throw new AuditError('key_not_found', `there is no API key ${id}`, LIST_KEYS)
  return record
}

const LIST_KEYS = { advice: { code: 'list_keys' } } as const

async function find(client: Client, id: string): Promise<ApiKeyRecord | undefined> {
  const { rows } = await client.query<KeyRow>(`SELECT ${COLUMNS} FROM audit_api_key WHERE key_id = $1`, [id])
  return rows.map(readKey).at(0)
}

async function page(
  client: Client,
  filter: ApiKeyFilter,
  range: { after: string | undefined; limit: number },
): Promise<ApiKeyRecord[]> {
  const rows = await keysetPage<KeyRow>(client, {
    select: `SELECT ${COLUMNS} FROM audit_api_key`,
    where: (bind) => [
      `id > coalesce((SELECT id FROM audit_api_key WHERE key_id = ${bind(range.after ?? null)}), 0)`,
      ...equals('domain_id', filter.domainId, bind),
      ...equals('subject', filter.subject, bind),
      ...(filter.activeOnly ? ['revoked_at IS NULL', 'coalesce(expires_at > clock_timestamp(), true)'] : []),
    ],
    key: 'id',
    limit: range.limit,
  })
  return rows.map(readKey)
}

function readKey(row: KeyRow): ApiKeyRecord {
  return {
    id: row.key_id,
    domainId: row.domain_id,
    subject: row.subject ?? undefined,
    relation: row.relation,
    readOnly: row.read_only,
    ownerOnly: row.owner_only,
    createdAt: readTime(row.created_at),
    expiresAt: readTime(row.expires_at),
    revokedAt: readTime(row.revoked_at),
    lastUsedAt: readTime(row.last_used_at),
    state: row.state,
  }
}
