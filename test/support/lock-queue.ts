import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { rowsOf } from './postgres.js'

const WAITING = `SELECT count(*)::int AS n FROM pg_locks
  WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`

/**
 * Starts all runs, and lets them get the chain's lock in the given order: they queue behind a lock that is held until the
 * last one waits. Resolves with their outcomes: `done`, or the code of the error.
 */
export async function inOrderOf(
  url: string,
  domainId: string,
  runs: readonly (() => Promise<unknown>)[],
): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query('SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR UPDATE', [domainId])
    const outcomes: Promise<string>[] = []
    for (const run of runs) {
      outcomes.push(outcomeOf(run()))
      await waiting(url, outcomes.length)
    }
    await client.query('COMMIT')
    return await Promise.all(outcomes)
  } finally {
    await client.end()
  }
}

/** Looks from a connection of its own: a transaction sees the sessions that there were at its first look. */
async function waiting(url: string, wanted: number): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const [row] = await rowsOf(url, WAITING)
    if (row?.n === wanted) return
    await sleep(5)
  }
  throw new Error(`${wanted} runs never waited for the lock`)
}

function outcomeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )
}
