import { AuditError } from '../../base/errors.js'
import type { Placed } from '../../ports/append.js'
import type { HoldFilter, HoldRecord, HoldStore, HoldTarget } from '../../ports/hold.js'
import { appendUnderLocks, underLocks } from '../append/append.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { microsOf, readTime } from '../session/read-time.js'
import { assertChain } from './erase.js'

/** Keeps legal holds in PostgreSQL. Implements HoldStore. */
export function postgresHoldStore(database: Database): HoldStore {
  return {
    // A crash before COMMIT leaves no hold. A caller without an answer must check which holds exist.
    place: (target, reason, selfAudit) =>
      underLocks(database, [target.domainId], async (client) => {
        await assertChain(client, target.domainId)
        const hold = await insert(client, target, reason)
        return { hold, auditRow: onlyRow(await appendUnderLocks(client, selfAudit(hold.id))) }
      }),
    release: ({ id, domainId }, reason, selfAudit) =>
      underLocks(database, [domainId], async (client) => {
        const hold = await release(client, id, reason)
        return { hold, auditRow: onlyRow(await appendUnderLocks(client, selfAudit)) }
      }),
    find: (id) => database.withClient((client) => find(client, id)),
    page: (filter, range) => database.withClient((client) => page(client, filter, range)),
  }
}

/** Returns the row of an action that is recorded by exactly one self-audit row. */
export function onlyRow([row]: readonly Placed[]): Placed {
  if (row === undefined) throw new AuditError('internal', 'a self-audit row was not placed')
  return row
}

const COLUMNS = `id, domain_id, encode(subject_pseudonym, 'hex') AS pseudonym, identity_id, reason,
  ${microsOf('placed_at')} AS placed_at, ${microsOf('released_at')} AS released_at, release_reason`

interface HoldRow {
  readonly id: string
  readonly domain_id: string
  readonly pseudonym: string | null
  readonly identity_id: string | null
  readonly reason: string
  readonly placed_at: string | null
  readonly released_at: string | null
  readonly release_reason: string | null
}

async function insert(client: Client, target: HoldTarget, reason: string): Promise<HoldRecord> {
  const { rows } = await client.query<HoldRow>(
    `INSERT INTO audit_legal_hold (domain_id, subject_pseudonym, identity_id, reason)
     VALUES ($1, decode($2, 'hex'), $3, $4) RETURNING ${COLUMNS}`,
    [target.domainId, target.pseudonym ?? null, target.identityId ?? null, reason],
  )
  const [hold] = rows.map(readHold)
  if (hold === undefined) throw new AuditError('internal', 'a hold was not placed')
  return hold
}

async function release(client: Client, id: number, reason: string): Promise<HoldRecord> {
  const { rows } = await client.query<HoldRow>(
    `UPDATE audit_legal_hold SET released_at = clock_timestamp(), release_reason = $2, identity_id = NULL
     WHERE id = $1 AND released_at IS NULL RETURNING ${COLUMNS}`,
    [id, reason],
  )
  const [hold] = rows.map(readHold)
  if (hold !== undefined) return hold
  throw new AuditError('already_released', `legal hold ${id} is already released`, {
    advice: { code: 'list_released_holds' },
  })
}

async function find(client: Client, id: number): Promise<HoldRecord | undefined> {
  const { rows } = await client.query<HoldRow>(`SELECT ${COLUMNS} FROM audit_legal_hold WHERE id = $1`, [id])
  return rows.map(readHold).at(0)
}

async function page(
  client: Client,
  filter: HoldFilter,
  range: { after: number; limit: number },
): Promise<HoldRecord[]> {
  const rows = await keysetPage<HoldRow>(client, {
    select: `SELECT ${COLUMNS} FROM audit_legal_hold`,
    where: (bind) => [
      `id > ${bind(range.after)}`,
      ...equals('domain_id', filter.domainId, bind),
      ...(filter.inForceOnly ? ['released_at IS NULL'] : []),
    ],
    key: 'id',
    limit: range.limit,
  })
  return rows.map(readHold)
}

function readHold(row: HoldRow): HoldRecord {
  return {
    id: Number(row.id),
    domainId: row.domain_id,
    pseudonym: row.pseudonym ?? undefined,
    identityId: row.identity_id ?? undefined,
    reason: row.reason,
    placedAt: readTime(row.placed_at),
    releasedAt: readTime(row.released_at),
    releaseReason: row.release_reason ?? undefined,
  }
}
