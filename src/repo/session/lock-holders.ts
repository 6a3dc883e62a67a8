import type pg from 'pg'

/** A transaction that others wait for. A role without pg_read_all_stats does not see `state` and `since` of other roles. */
export interface LockHolder {
  /** The process id of its backend; 0 for a prepared transaction. */
  readonly pid: number
  /** The id of the transaction: no other one has it, not even of the same backend. */
  readonly transaction: string
  /** The ids of the transaction and its savepoints that have one, 32 bits each; null where none has. */
  readonly xids: readonly string[] | null
  readonly role: string | null
  readonly application: string | null
  readonly state: string | null
  /** When the transaction began: a timestamp in UTC. */
  readonly since: string | null
}

/** What a backend waits for. */
export interface LockWait {
  /** The relation whose lock it waits for; null where it waits for another transaction to end. */
  readonly relation: string | null
  /** Those at the end of the queue, that wait for nobody. */
  readonly holders: readonly LockHolder[]
  /** Those before this one in the queue that wait for others. They may hold locks, too. */
  readonly waiters: readonly LockHolder[]
}

/**
 * Follows the queue to those that wait for nobody: the backend before this one may only wait, too. UNION drops the pids that
 * were seen, so a deadlock ends the recursion.
 */
const WAIT = `
  WITH RECURSIVE queue(pid) AS (
    SELECT unnest(pg_blocking_pids($1))
    UNION SELECT unnest(pg_blocking_pids(pid)) FROM queue WHERE pid <> 0
  )
  SELECT q.pid, q.pid || ':' || coalesce(l.virtualxid, '') AS transaction,
    (SELECT array_agg(x.transactionid::text) FROM pg_locks x
     WHERE x.pid = q.pid AND x.locktype = 'transactionid' AND x.granted) AS xids, a.usename::text AS role,
    nullif(a.application_name, '') AS application, a.state,
    to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
    q.pid <> 0 AND cardinality(pg_blocking_pids(q.pid)) > 0 AS waits,
    (SELECT w.relation::regclass::text FROM pg_locks w WHERE w.pid = $1 AND NOT w.granted LIMIT 1) AS relation
  FROM queue q
  LEFT JOIN pg_stat_activity a ON a.pid = q.pid
  LEFT JOIN pg_locks l ON l.pid = q.pid AND l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock'
  ORDER BY q.pid`

/** Returns what the backend `pid` waits for, seen from another connection. No holders: it does not wait. */
export async function lockWait(client: pg.ClientBase, pid: number): Promise<LockWait> {
  const { rows } = await client.query<LockHolder & { relation: string | null; waits: boolean }>(WAIT, [pid])
  const [holders, waiters] = [rows.filter(({ waits }) => !waits), rows.filter(({ waits }) => waits)]
  return { relation: rows[0]?.relation ?? null, holders, waiters }
}

/** Names holders for a message. */
export function describeHolders(holders: readonly LockHolder[]): string {
  return holders.map(describe).join('; ')
}

function describe({ pid, role, application, state, since }: LockHolder): string {
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)'
  const program = application === null ? [] : [`application "${application}"`]
  const began = since === null ? 'since a time that only pg_read_all_stats shows' : `since ${since}`
  return [
    `pid ${pid}, role ${role ?? 'unknown'}`,
    ...program,
    ...(state === null ? [] : [state]),
    began,
  ].join(', ')
}
