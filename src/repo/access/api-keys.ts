import { AuditError } from '../../base/errors.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { AppendItem } from '../../ports/append.js'
import type { ApiKeyFilter, ApiKeyRecord, ApiKeyStore, NewApiKey } from '../../ports/keys.js'
import type { Relation } from '../../ports/relations.js'
import { appendUnderLocks, chainsOf, underLocks } from '../append/append.js'
import { assertChain } from '../erasure/erase.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { microsOf, readTime } from '../session/read-time.js'
import { insertTuple } from './relation-tuples.js'

/** Keeps API keys in PostgreSQL. A crash before COMMIT leaves neither a key nor its rows. Implements ApiKeyStore. */
export function postgresApiKeys(database: Database): ApiKeyStore {
  return {
    create: (key, grant, selfAudit) =>
      underLocks(database, chainsOf([selfAudit(true)]), async (client) => {
        await assertChain(client, key.domainId)
        const record = await insert(client, key)
        const granted = grant !== undefined && (await insertTuple(client, grant))
        return { record, auditRows: await appendUnderLocks(client, selfAudit(granted)) }
      }),
    revoke: (id, selfAudit) =>
      underLocks(database, chainsOf([selfAudit]), (client) => revoke(client, id, selfAudit)),
    find: (id) => database.withClient((client) => find(client, id)),
    page: (filter, range) => database.withClient((client) => page(client, filter, range)),
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
  return theOnly(rows.map(readKey), key.id)
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
  return { record: theOnly([await find(client, id)], id), auditRows: [] }
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
