import type { Client } from '../session/database.js'

const MAY_READ = `SELECT has_table_privilege('audit_identity_reveal', 'SELECT') AS may`
const REASON = 'SELECT reason FROM audit_identity_reveal WHERE domain_id = $1 AND seq = $2 LIMIT 1'

/**
 * Returns why the person of a row audit.identity-reveal was identified. Returns undefined where no reason is stored, because
 * the person was erased, and for a role that may not read reasons.
 */
export async function revealReason(
  client: Client,
  domainId: string,
  seq: number,
): Promise<string | undefined> {
  const { rows } = await client.query<{ may: boolean }>(MAY_READ)
  if (rows[0]?.may !== true) return undefined
  return (await client.query<{ reason: string }>(REASON, [domainId, seq])).rows[0]?.reason
}
