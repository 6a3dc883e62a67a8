import { AuditError } from '../../../base/errors.js'
import { assertTriggersFire } from '../../session/session-settings.js'
import type { CallerTarget } from './caller-target.js'
import type { SessionAnswer } from './lock-statements.js'

/** Returns the session of the caller. Throws where nothing can be appended in it. */
export function assertSession(session: SessionAnswer, { database }: CallerTarget): SessionAnswer {
  if (session.database !== database) throw otherDatabase(`${database}, got ${session.database}`)
  assertIsolation(session.isolation)
  assertTriggersFire(session.replication)
  if (!session.hidden) return session
  throw new AuditError(
    'database_permission_denied',
    'a row security policy may hide rows of the audit log from the role of this client; nothing was appended',
    { advice: { code: 'find_policy' } },
  )
}

/** Throws where the locks of some chains were not free, and were out of order. */
export function assertLocked({ missed }: { readonly missed: readonly string[] | null }): void {
  if (missed === null) return
  throw new AuditError(
    'lock_order',
    `another transaction holds the lock of chain ${missed.join(', ')}, which comes before a chain that this transaction ` +
      'holds; to wait for it could be a deadlock, and nothing was appended',
    { advice: { code: 'lock_in_order' } },
  )
}

/** Returns the error for a client whose session does not have the tables of the sink. */
export function otherDatabase(got: string, cause?: unknown): AuditError {
  return new AuditError('usage', `recordIn: expected a client of the database of this sink, ${got}`, {
    cause,
    advice: { code: 'give_client_of_sink_database' },
  })
}

function assertIsolation(isolation: string): void {
  if (isolation === 'read committed' || isolation === 'read uncommitted') return
  throw new AuditError(
    'isolation_unsupported',
    `isolation level of the transaction: expected READ COMMITTED, got ${isolation.toUpperCase()}; it reads a snapshot from ` +
      'before it gets the lock of the chain, so it may not see the last row that the new row must follow',
    { advice: { code: 'use_read_committed' } },
  )
}
