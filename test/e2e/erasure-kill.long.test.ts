import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyFilePepper } from '../../src/pepper/key-file.js'
import { Database } from '../../src/repo/session/database.js'
import { CliDatabase } from '../support/append-process.js'
import { finished, jsonLines, spawnCli } from '../support/cli.js'
import { oldChain } from '../support/old-chain.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const KILLS = 30
/** Processes that run at once, so that their starts overlap. */
const AT_ONCE = 5
const CONTEXTS = 12

let database: TestDatabase
let cli: CliDatabase
let direct: Database

/** Slows each step of a transaction down, so that a kill can come between any two steps. */
const SLOW = `
  CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END';
  CREATE TRIGGER slow AFTER INSERT ON audit_log_entry FOR EACH STATEMENT EXECUTE FUNCTION slow();
  CREATE TRIGGER slow AFTER UPDATE ON audit_log_chain_head FOR EACH STATEMENT EXECUTE FUNCTION slow();
  CREATE TRIGGER slow AFTER DELETE ON audit_subject_pii FOR EACH STATEMENT EXECUTE FUNCTION slow();
  CREATE TRIGGER slow AFTER DELETE ON audit_entry_context FOR EACH STATEMENT EXECUTE FUNCTION slow()`

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  direct = new Database(database.url)
  // The first Domain begins the platform chain, which verify expects.
  await cli.create()
  await rowsOf(database.url, SLOW)
})

afterAll(async () => {
  await direct.close()
  cli.remove()
  await database.drop()
})

/** Makes a chain with contexts of one person, all older than the retention window. */
function chain(): Promise<string> {
  const rows = Array.from({ length: CONTEXTS }, (_, i) => ({ subject: 'alice', daysAgo: 500 - i }))
  return oldChain(direct, new KeyFilePepper(cli.keyFile), rows)
}

/** Returns no row while another transaction has the chain's lock. */
const FREE = 'SELECT FROM audit_log_chain_head WHERE domain_id = $1 FOR NO KEY UPDATE SKIP LOCKED'

/** Kills a run at a random moment after it got the chain's lock; resolves with whether it was still alive. */
async function killed(domainId: string, words: readonly string[], within: number): Promise<boolean> {
  const child = await spawnCli([...words, '--domain', domainId], { env: cli.env })
  child.stdin.end()
  const end = finished(child)
  let over = false
  void end.then(() => {
    over = true
  })
  while (!over && (await rowsOf(database.url, FREE, [domainId])).length > 0) await sleep(3)
  await sleep(Math.random() * within)
  child.kill('SIGKILL')
  return (await end).signal === 'SIGKILL'
}

/** Returns what is left of a chain's personal data and what its rows report as deleted, in one snapshot. */
async function account(domainId: string) {
  const [row] = await rowsOf(
    database.url,
    `SELECT (SELECT count(*)::int FROM audit_subject_pii WHERE domain_id = $1) AS mappings,
       (SELECT count(*)::int FROM audit_entry_context WHERE domain_id = $1) AS contexts,
       coalesce(sum(substr(relation_path[1], 10)::int), 0)::int AS "reportedMappings",
       coalesce(sum(substr(relation_path[2], 10)::int), 0)::int AS "reportedContexts",
       count(*)::int AS rows
     FROM audit_log_entry WHERE domain_id = $1 AND relation IN ('audit.erase-identity', 'audit.retention-purge')`,
    [domainId],
  )
  return row as Record<'mappings' | 'contexts' | 'reportedMappings' | 'reportedContexts' | 'rows', number>
}

/** Expects the rows to report exactly what was deleted. */
async function expectReported(domainId: string) {
  const found = await account(domainId)
  expect(found.mappings + found.reportedMappings).toBe(1)
  expect(found.contexts + found.reportedContexts).toBe(CONTEXTS)
  return found
}

/** Expects no finding. The chains have archived rows that are older than the platform chain, which therefore judges none of them. */
async function expectIntact(): Promise<void> {
  const { stdout, stderr } = await cli.run('verify', '--all', '--json')
  expect(jsonLines(stdout).at(-1)).toMatchObject({ summary: { findings: 0, diverged: 0 } })
  expect(new Set((jsonLines(stderr) as Failure[]).map(({ error }) => error.code))).toEqual(
    new Set(['chain_not_recorded']),
  )
}

interface Failure {
  readonly error: { readonly code: string }
}

/** Kills KILLS runs, AT_ONCE at a time; `one` resolves with whether the kill ended its run. */
async function inGroups(one: () => Promise<boolean>): Promise<number> {
  let died = 0
  for (let kills = 0; kills < KILLS; kills += AT_ONCE) {
    const ends = await Promise.all(Array.from({ length: AT_ONCE }, one))
    died += ends.filter(Boolean).length
  }
  return died
}

describe(`killed ${KILLS} times`, () => {
  it('leaves an erasure complete or not begun, and repeatable', async () => {
    const words = ['erase-identity', '--subject', 'alice', '--confirm']
    const seen = new Set<number>()
    let last = ''
    const died = await inGroups(async () => {
      const domainId = await chain()
      const died = await killed(domainId, words, 150)
      const { contexts, rows } = await expectReported(domainId)
      expect(contexts).toBe(rows === 0 ? CONTEXTS : 0)
      seen.add(contexts)
      if (rows === 0) last = domainId
      return died
    })
    expect(died).toBeGreaterThan(KILLS / 3)
    expect(seen.has(CONTEXTS)).toBe(true)
    expect(await cli.run(...words, '--domain', last, '--json')).toMatchObject({ code: 0 })
    expect(await expectReported(last)).toMatchObject({ contexts: 0, rows: 1 })
    await expectIntact()
  })

  it('leaves a purge after whole batches, each with its row, and the next run continues', async () => {
    const words = ['retention', 'apply', '--batch', '3']
    let last = ''
    const died = await inGroups(async () => {
      const domainId = await chain()
      const died = await killed(domainId, words, 400)
      const { contexts, rows } = await expectReported(domainId)
      expect(contexts).toBe(CONTEXTS - 3 * rows)
      if (contexts > 0) last = domainId
      return died
    })
    expect(died).toBeGreaterThan(KILLS / 3)
    expect(await cli.run(...words, '--domain', last, '--json')).toMatchObject({ code: 0 })
    expect(await expectReported(last)).toMatchObject({ contexts: 0, rows: 4 })
    await expectIntact()
  })
})
