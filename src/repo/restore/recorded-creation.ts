import { DOMAIN_PREFIX, SELF_AUDIT } from '../../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { AppendItem } from '../../ports/append.js'
import { appendUnderLocks } from '../append/append.js'
import type { Client } from '../session/database.js'

const LACKS_CREATION = `
  SELECT EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1) AND NOT EXISTS (
    SELECT FROM audit_log_entry
    WHERE domain_id = $1 AND relation = '${SELF_AUDIT.chainCreate}' AND object = '${DOMAIN_PREFIX}' || $2::uuid::text
  ) AS lacks`

/** Returns whether the platform chain is here, whole, and does not record that this Domain was created. */
export async function lacksCreation(client: Client, domainId: string): Promise<boolean> {
  if (domainId === PLATFORM_ANCHOR) return false
  const { rows } = await client.query<{ lacks: boolean }>(LACKS_CREATION, [PLATFORM_ANCHOR, domainId])
  return rows[0]?.lacks === true
}

/** Appends the row that records the Domain, unless another restore has done so meanwhile. The platform chain is locked. */
export async function recordCreation(client: Client, domainId: string, creation: AppendItem): Promise<void> {
  if (await lacksCreation(client, domainId)) await appendUnderLocks(client, creation)
}
