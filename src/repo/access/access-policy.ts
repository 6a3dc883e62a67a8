import { AuditError } from '../../base/errors.js'
import { chainOfObject } from '../../chain/self-audit.js'
import type { AppendItem } from '../../ports/append.js'
import type { AccessPolicyStore } from '../../ports/keys.js'
import { appendUnderLocks, chainsOf, underLocks } from '../append/append.js'
import { assertChain } from '../erasure/erase.js'
import type { Client, Database } from '../session/database.js'

/** Keeps the access policy of each chain. Implements AccessPolicyStore. */
export function postgresAccessPolicy(database: Database): AccessPolicyStore {
  return {
    isEraseOwnerOnly: async (object) => {
      const domainId = chainOfObject(object)
      if (domainId === undefined) throw new AuditError('internal', 'an object of no chain')
      return database.withClient((client) => isEraseOwnerOnly(client, domainId))
    },
    setEraseOwnerOnly: (domainId, value, selfAudit) =>
      underLocks(database, chainsOf([selfAudit]), (client) => set(client, domainId, value, selfAudit)),
  }
}

async function isEraseOwnerOnly(client: Client, domainId: string): Promise<boolean> {
  const { rows } = await client.query<{ value: boolean }>(
    'SELECT erase_owner_only AS value FROM audit_access_policy WHERE domain_id = $1',
    [domainId],
  )
  return rows[0]?.value === true
}

async function set(client: Client, domainId: string, value: boolean, selfAudit: AppendItem) {
  await assertChain(client, domainId)
  if ((await isEraseOwnerOnly(client, domainId)) === value) return { auditRows: [] }
  await client.query(
    `INSERT INTO audit_access_policy (domain_id, erase_owner_only) VALUES ($1, $2)
     ON CONFLICT (domain_id) DO UPDATE SET erase_owner_only = excluded.erase_owner_only, set_at = clock_timestamp()`,
    [domainId, value],
  )
  return { auditRows: await appendUnderLocks(client, selfAudit) }
}
