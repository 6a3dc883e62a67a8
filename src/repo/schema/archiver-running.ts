import { setTimeout as sleep } from 'node:timers/promises'
import { AuditError } from '../../base/errors.js'
import { CLAIM_LASTS, RENEWAL } from '../session/chain-claims.js'
import type { Client } from '../session/database.js'

/** The version of the migration that moves the stamps of archived rows. */
export const STAMPS = 15

/** Milliseconds within which a living archiver renews its claims, with time for a busy server. */
const PATIENCE = RENEWAL + 2_000

const LOOK_EVERY = 50

const LOCK_LOG = `SET LOCAL lock_timeout = '10s'; LOCK TABLE audit_log_entry IN ACCESS EXCLUSIVE MODE`

/** The lock of a claim's row makes its archiver wait at the next renewal, and PostgreSQL then says which session that is. */
const CLAIMS = `
  SELECT c.domain_id::text AS "domainId", c.holder::text AS holder,
    to_char((c.renewed_at + interval '${CLAIM_LASTS} s') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ends
  FROM audit_claim c
  WHERE c.purpose = 'archive'
    AND c.renewed_at BETWEEN clock_timestamp() - interval '${CLAIM_LASTS} s' AND clock_timestamp() + interval '${CLAIM_LASTS} s'
    AND EXISTS (SELECT FROM audit_log_entry e WHERE e.domain_id = c.domain_id)
  ORDER BY c.domain_id FOR UPDATE OF c`

const WAITING = `
  SELECT pid, coalesce(application_name, '') AS application, coalesce(usename::text, 'unknown') AS role FROM pg_stat_activity
  WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)) AND pid <> pg_backend_pid() ORDER BY pid`

interface Claim {
  readonly domainId: string
  readonly holder: string
  /** When the claim ends unless it is renewed. */
  readonly ends: string
}

interface Session {
  readonly pid: number
  readonly application: string
  readonly role: string
}

/**
 * Locks the log for the migration that moves the stamps. Rejects with `archiver_running` while an archiver holds a claim on a stored chain: it
 * would fail at its next stamp, with uploads in flight. The look before the lock spares the appends the wait of a refusal, and the look
 * under the lock is the one that counts.
 */
export async function lockWithoutArchiver(client: Client): Promise<void> {
  await assertNoArchiver(client)
  await client.query(LOCK_LOG)
  await assertNoArchiver(client)
}

async function assertNoArchiver(client: Client): Promise<void> {
  const { rows: claims } = await client.query<Claim>(CLAIMS)
  const [first] = claims
  if (first === undefined) return
  const sessions = await renewing(client)
  throw new AuditError('archiver_running', describe(claims.length, first, sessions), {
    advice: { code: 'end_archivers', pids: sessions.map(({ pid }) => pid) },
  })
}

/** Returns the sessions that renew or release one of the claims; none where nobody does within {@link PATIENCE}. */
async function renewing(client: Client): Promise<Session[]> {
  for (const end = performance.now() + PATIENCE; ; await sleep(LOOK_EVERY)) {
    const { rows } = await client.query<Session>(WAITING)
    if (rows.length > 0 || performance.now() >= end) return rows
  }
}

function describe(count: number, { domainId, holder, ends }: Claim, sessions: readonly Session[]): string {
  const more = count === 1 ? '' : `, and ${count - 1} more ${count === 2 ? 'chain' : 'chains'}`
  const claimed = `an archiver has claimed chain ${domainId}${more}`
  if (sessions.length === 0)
    return `${claimed} (holder ${holder}), and no session has renewed the claim in ${PATIENCE / 1_000} s: it may have died; the claim ends at ${ends}`
  const named = sessions.map(
    ({ pid, application, role }) => `pid ${pid}, application "${application}", role ${role}`,
  )
  return `${claimed}: ${named.join('; ')}`
}
