import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const WAITING = `SELECT count(*)::int AS n FROM pg_locks
  WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

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
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('audit/chain/' || $1, 0))`, [domainId])
    const outcomes: Promise<string>[] = []
    for (const run of runs) {
      outcomes.push(outcomeOf(run()))
      await waiting(client, outcomes.length)
    }
    await client.query('COMMIT')
    return await Promise.all(outcomes)
  } finally {
    await client.end()
  }
}

async function waiting(client: pg.Client, wanted: number): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const { rows } = await client.query<{ n: number }>(WAITING)
    if (rows[0]?.n === wanted) return
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
