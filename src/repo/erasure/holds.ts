import { AuditError } from '../../base/errors.js'
import { SELF_AUDIT } from '../../chain/self-audit.js'
import type { Placed } from '../../ports/append.js'
import type { HoldFilter, HoldRecord, HoldStore, HoldTarget } from '../../ports/hold.js'
import { appendUnderLocks } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import type { Client, Database } from '../session/database.js'
import { equals, keysetPage } from '../session/keyset-page.js'
import { literalOrNull, quotedLiteral } from '../session/quoted-literal.js'
import { microsOf, readTime } from '../session/read-time.js'
import { assertWritten, recordedAfter, type Written, withheld, written } from '../session/written.js'
import { assertChain } from './erase.js'

/** Keeps legal holds in PostgreSQL. Implements HoldStore. */
export function postgresHoldStore(database: Database): HoldStore {
  return {
    // A crash before COMMIT leaves no hold. A caller without an answer must check which holds exist.
    place: (target, reason, selfAudit) =>
      underLocks(
        database,
        [target.domainId],
        async (client) => {
          await assertChain(client, target.domainId)
          const hold = await insert(client, target, reason)
          await assertWritten(client, placed(target, reason, hold))
          return { hold, auditRow: onlyRow(await appendUnderLocks(client, selfAudit(hold.id))) }
        },
        written(({ hold, auditRow }) => placed(target, reason, hold, auditRow)),
      ),
    release: ({ id, domainId }, reason, selfAudit) =>
      underLocks(
        database,
        [domainId],
        async (client) => {
          const hold = await release(client, id, reason)
          return { hold, auditRow: onlyRow(await appendUnderLocks(client, selfAudit)) }
        },
        written(released),
      ),
    find: (id) => database.read((client) => find(client, id)),
    page: (filter, range) => database.read((client) => page(client, filter, range)),
  }
}

interface Changed {
  readonly hold: HoldRecord
  readonly auditRow: Placed
}

/** Another program may have released the hold between COMMIT and the look. A release deletes the identity. */
function placed(target: HoldTarget, reason: string, { id }: HoldRecord, auditRow?: Placed): Written {
  const { domainId, pseudonym, identityId } = target
  return {
    what: `legal hold ${id} on chain ${domainId}`,
    isThere: `EXISTS (SELECT FROM audit_legal_hold WHERE id = ${id} AND domain_id = '${domainId}'
      AND subject_pseudonym IS NOT DISTINCT FROM decode(${literalOrNull(pseudonym)}, 'hex')
      AND (${recordedAfter(auditRow, SELF_AUDIT.holdRelease)} OR released_at IS NULL
        AND identity_id IS NOT DISTINCT FROM ${literalOrNull(identityId)}::uuid AND reason = ${quotedLiteral(reason)}))`,
    otherwise: 'no such hold was in force',
  }
}

/** A release is final: no command places the same hold again. */
function released({ hold: { id, domainId } }: Changed): Written {
  return {
    what: `the release of legal hold ${id} on chain ${domainId}`,
    isThere: `EXISTS (SELECT FROM audit_legal_hold WHERE id = ${id} AND released_at IS NOT NULL AND identity_id IS NULL)`,
    otherwise: 'the hold was still in force',
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
  if (hold === undefined) throw withheld(`a legal hold on chain ${target.domainId}`)
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
  const stored = await find(client, id)
  if (stored !== undefined && stored.releasedAt === undefined)
    throw withheld(`the release of legal hold ${id}`)
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
