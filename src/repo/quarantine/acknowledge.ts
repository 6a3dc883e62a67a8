import pg from 'pg'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { ChainAudit, QuarantineRecord } from '../../ports/quarantine.js'
import { appendUnderLocks, chainsOf } from '../append/append.js'
import { HeadRace } from '../append/append-chains.js'
import { underLocks } from '../append/under-locks.js'
import type { Client, Database } from '../session/database.js'
import { databaseError } from '../session/database-error.js'
import { LOCK_NOT_AVAILABLE } from '../session/lock-watch.js'
import { type Written, withheld, written } from '../session/written.js'
import { QUARANTINE_COLUMNS, type QuarantineRow, readRecord } from './quarantine-row.js'

const OPEN = `
  SELECT id, acknowledged_at IS NULL AS is_open FROM audit_tamper_quarantine WHERE id = ANY ($1::bigint[])
  ORDER BY id FOR UPDATE`

const STAMP = `
  WITH stamped AS (
    UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = $2
    WHERE id = ANY ($1::bigint[]) RETURNING *
  ) SELECT ${QUARANTINE_COLUMNS} FROM stamped ORDER BY id`

/** Implements QuarantineStore.acknowledge. A crash before COMMIT acknowledges nothing and leaves no row. */
export function acknowledge(
  database: Database,
  ids: readonly number[],
  reason: string,
  audits: readonly ChainAudit[],
  isDamaged: (code: ErrorCode) => boolean,
): Promise<readonly QuarantineRecord[]> {
  const chains = new Set([...audits.flatMap(({ own }) => chainsOf([own])), PLATFORM_ANCHOR])
  const use = async (client: Client): Promise<readonly QuarantineRecord[]> => {
    await assertOpen(client, ids)
    const { rows } = await client.query<QuarantineRow>(STAMP, [ids, reason])
    if (rows.length !== ids.length) throw withheld(nameOf(ids))
    for (const audit of audits) await appendAudit(client, audit, isDamaged)
    return rows.map(readRecord)
  }
  return underLocks(
    database,
    [...chains],
    use,
    written(() => acknowledged(ids)),
  )
}

/** Locks the records: of two concurrent calls for one record, the second finds it acknowledged. */
async function assertOpen(client: Client, ids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{ id: string; is_open: boolean }>(OPEN, [ids])
  if (rows.length !== ids.length) {
    throw new AuditError(
      'quarantine_not_found',
      'some of these quarantine records are gone; nothing was acknowledged',
      {
        advice: { code: 'list_quarantine' },
      },
    )
  }
  const closed = rows.filter(({ is_open }) => !is_open).map(({ id }) => id)
  const [first] = closed
  if (first === undefined) return
  const names =
    closed.length === 1 ? `quarantine record ${first} is` : `quarantine records ${closed.join(', ')} are`
  throw new AuditError('already_acknowledged', `${names} already acknowledged; nothing was acknowledged`, {
    advice: { code: 'show_quarantine', id: Number(first) },
  })
}

/** Appends the rows to the platform chain if their own chain is too damaged for an append. */
async function appendAudit(
  client: Client,
  { own, onPlatform }: ChainAudit,
  isDamaged: (code: ErrorCode) => boolean,
): Promise<void> {
  await client.query('SAVEPOINT audit_rows')
  try {
    await appendUnderLocks(client, own)
  } catch (error) {
    if (onPlatform === undefined || isPassing(error) || !isDamaged(databaseError(error).code)) throw error
    await client.query('ROLLBACK TO SAVEPOINT audit_rows')
    await appendUnderLocks(client, onPlatform).catch(() => {
      throw error
    })
  }
  await client.query('RELEASE SAVEPOINT audit_rows')
}

/** Returns whether the whole transaction must be run again, or has waited too long: that is no damage of the chain. */
function isPassing(error: unknown): boolean {
  if (error instanceof HeadRace) return true
  return error instanceof pg.DatabaseError && [LOCK_NOT_AVAILABLE, DEADLOCK].includes(error.code ?? '')
}

const DEADLOCK = '40P01'

/** An acknowledgement is final. */
function acknowledged(ids: readonly number[]): Written {
  return {
    what: nameOf(ids),
    isThere: `(SELECT count(*) FROM audit_tamper_quarantine
      WHERE id = ANY ('{${ids.join(',')}}'::bigint[]) AND acknowledged_at IS NOT NULL) = ${ids.length}`,
    otherwise: 'some of them were open',
  }
}

function nameOf(ids: readonly number[]): string {
  const names =
    ids.length > 10 ? `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more` : ids.join(', ')
  return `the acknowledgement of quarantine records ${names}`
}
