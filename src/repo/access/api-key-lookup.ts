import type { ApiKeyLookup, StoredKey } from '../../ports/keys.js'
import type { Client, Database } from '../session/database.js'

const LOOK_UP = `
  SELECT domain_id, coalesce(subject, '') AS subject, encode(secret_sha256, 'hex') AS secret_hash, read_only, owner_only,
    revoked_at IS NULL AND coalesce(expires_at > clock_timestamp(), true) AS is_active,
    coalesce(last_used_at < clock_timestamp() - interval '1 minute', true) AS is_use_due
  FROM audit_api_key WHERE key_id = $1`

interface LookupRow {
  readonly domain_id: string
  readonly subject: string
  readonly secret_hash: string
  readonly read_only: boolean
  readonly owner_only: boolean
  readonly is_active: boolean
  readonly is_use_due: boolean
}

/** Looks API keys up by their id. Implements ApiKeyLookup. */
export function postgresKeyLookup(database: Database): ApiKeyLookup {
  return {
    lookUp: (id) => database.read((client) => lookUp(client, id)),
    touch: (id) => database.write((client) => touch(client, id)),
  }
}

async function lookUp(client: Client, id: string): Promise<StoredKey | undefined> {
  const { rows } = await client.query<LookupRow>(LOOK_UP, [id])
  return rows.map(readStored).at(0)
}

/**
 * Records the use of a key. Checks again that this is due, because several servers may find so at the same time. Does not
 * read it back: no caller gets an answer that depends on it.
 */
async function touch(client: Client, id: string): Promise<void> {
  await client.query(
    `UPDATE audit_api_key SET last_used_at = clock_timestamp()
     WHERE key_id = $1 AND coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)`,
    [id],
  )
}

function readStored(row: LookupRow): StoredKey {
  return {
    domainId: row.domain_id,
    subject: row.subject,
    secretHash: row.secret_hash,
    readOnly: row.read_only,
    ownerOnly: row.owner_only,
    isActive: row.is_active,
    isUseDue: row.is_use_due,
  }
}
