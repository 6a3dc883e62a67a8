import pg from 'pg'
import { AuditError } from '../../base/errors.js'
import { type Client, type Database, DURABLE } from '../session/database.js'
import type { EndState } from '../session/end-state.js'
import { LockTimeout } from '../session/lock-watch.js'
import { HeadRace, lockAndOpenChains, lockChains, type OpenChain } from './append-chains.js'
import { appendEndState } from './append-end-state.js'
import { AppendLedger, openLedger } from './append-ledger.js'

/**
 * READ COMMITTED is explicit because the lock must be taken before the snapshot that reads the head. READ WRITE is left
 * out: a database that its administrator made read-only must refuse.
 */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; ${DURABLE}`

/** Transactions that one call may lose to others that begin the same chain, or to a deadlock. */
const MOST_RACES = 5

const DEADLOCK = '40P01'

/**
 * Runs `use` in one transaction that holds the locks of the chains, as an append does. If the process dies before COMMIT,
 * nothing is stored: rows, heads, personal data and contexts are one transaction. After COMMIT, looks at what was
 * appended, and at the end states.
 *
 * A transaction that was rolled back for another one's sake is run again, so `use` must do nothing but query. A transaction
 * that waits in a queue that moves is run again however often: others make progress, and its turn comes.
 */
export function underLocks<T>(
  database: Database,
  domainIds: readonly string[],
  use: (client: Client) => Promise<T>,
  ...endStates: readonly EndState<T>[]
): Promise<T> {
  const locked = async (client: Client) => {
    await lockChains(client, domainIds)
    return use(client)
  }
  return run(database, locked, endStates)
}

/** Does the same, and gives `use` the state of the chains under the locks. */
export function underOpenLocks<T>(
  database: Database,
  domainIds: readonly string[],
  use: (client: Client, open: readonly OpenChain[]) => Promise<T>,
  ...endStates: readonly EndState<T>[]
): Promise<T> {
  const locked = async (client: Client) => use(client, await lockAndOpenChains(client, domainIds))
  return run(database, locked, endStates)
}

/** `locked` takes the locks first. */
async function run<T>(
  database: Database,
  locked: (client: Client) => Promise<T>,
  endStates: readonly EndState<T>[],
): Promise<T> {
  let ledger = new AppendLedger()
  const appended = appendEndState<T>(() => ledger)
  const begun = (client: Client) => {
    ledger = openLedger(client)
    return locked(client)
  }
  for (let races = 0; ; ) {
    try {
      const result = await database.withTransaction(BEGIN, begun, appended, ...endStates)
      if (ledger.ahead.size > 0) database.onAhead?.(ledger.ahead)
      return result
    } catch (error) {
      if (error instanceof LockTimeout && error.hasMoved) continue
      if (!isRace(error) || races >= MOST_RACES) throw error
      races += 1
    }
  }
}

/** Returns whether PostgreSQL or the heads rolled this transaction back in favour of another one. Nothing was stored. */
function isRace(error: unknown): boolean {
  if (error instanceof HeadRace) return true
  if (!(error instanceof AuditError) || error.code !== 'database_failed') return false
  return error.cause instanceof pg.DatabaseError && error.cause.code === DEADLOCK
}
