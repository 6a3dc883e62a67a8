import { AuditError } from '../../base/errors.js'
import { chainOfObject, SELF_AUDIT } from '../../chain/self-audit.js'
import type { AppendItem, Placed } from '../../ports/append.js'
import type { AccessPolicyStore } from '../../ports/keys.js'
import { appendUnderLocks, chainsOf } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import { assertChain } from '../erasure/erase.js'
import type { Client, Database } from '../session/database.js'
import { recordedAfter, type Written, withheld, written } from '../session/written.js'

/** Keeps the access policy of each chain. Implements AccessPolicyStore. */
export function postgresAccessPolicy(database: Database): AccessPolicyStore {
  return {
    isEraseOwnerOnly: async (object) => {
      const domainId = chainOfObject(object)
      if (domainId === undefined) throw new AuditError('internal', 'an object of no chain')
      return database.read((client) => isEraseOwnerOnly(client, domainId))
    },
    setEraseOwnerOnly: (domainId, value, selfAudit) =>
      underLocks(
        database,
        chainsOf([selfAudit]),
        (client) => set(client, domainId, value, selfAudit),
        written(({ auditRows }) => policySet(domainId, value, auditRows)),
      ),
  }
}

async function isEraseOwnerOnly(client: Client, domainId: string): Promise<boolean> {
  const { rows } = await client.query<{ value: boolean }>(
    'SELECT erase_owner_only AS value FROM audit_access_policy WHERE domain_id = $1',
    [domainId],
  )
  return rows[0]?.value === true
}

/** Returns how to see a policy. Another program may have set another one between COMMIT and the look. */
function policySet(domainId: string, value: boolean, [auditRow]: readonly Placed[]): Written | undefined {
  if (auditRow === undefined) return undefined
  return {
    what: `the access policy of chain ${domainId}`,
    isThere: `${recordedAfter(auditRow, SELF_AUDIT.accessPolicy)} OR EXISTS (
      SELECT FROM audit_access_policy WHERE domain_id = '${domainId}' AND erase_owner_only = ${value})`,
    otherwise: 'the policy was another one',
  }
}

async function set(client: Client, domainId: string, value: boolean, selfAudit: AppendItem) {
  await assertChain(client, domainId)
  if ((await isEraseOwnerOnly(client, domainId)) === value) return { auditRows: [] }
  const { rowCount } = await client.query(
    `INSERT INTO audit_access_policy (domain_id, erase_owner_only) VALUES ($1, $2)
     ON CONFLICT (domain_id) DO UPDATE SET erase_owner_only = excluded.erase_owner_only, set_at = clock_timestamp()`,
    [domainId, value],
  )
  if (rowCount !== 1) throw withheld(`the access policy of chain ${domainId}`)
  return { auditRows: await appendUnderLocks(client, selfAudit) }
}
