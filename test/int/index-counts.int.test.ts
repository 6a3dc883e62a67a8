import { beforeEach, describe, expect, it } from 'vitest'
import { Database } from '../../src/repo/session/database.js'
import { FILTER_INDEXES } from '../../src/repo/verify/filter-indexes.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { stampSql } from '../support/archive-stamps.js'
import { chainRows, insertDomain, insertRows, type RowOptions } from '../support/chain-rows.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const A = '018f0000-0000-7000-8000-00000000000a'
const B = '018f0000-0000-7000-8000-00000000000b'
/** A row that every index holds but the one for reasons that the format does not have. */
const DENIED: RowOptions = { reason: 'caveat_violation', correlationId: 'c' }
const ROWS = 30

let database: TestDatabase

beforeEach(async () => {
  database = await testDatabase()
  for (const domain of [A, B])
    await insertDomain(
      database.url,
      domain,
      Array.from({ length: ROWS }, () => DENIED),
    )
  return () => database.drop()
})

async function verdictOf(domainId = A, url = database.url) {
  const connected = new Database(url, 2)
  try {
    const source = new PostgresSource(connected, { countsIndexes: true })
    const request = { domainId, fromSeq: 1, pins: [] }
    return await verifyChain(source, request, () => undefined, new AbortController().signal)
  } finally {
    await connected.close()
  }
}

const settle = (domainId?: string) => verdictOf(domainId).catch((error: unknown) => error)

const mark = (name: string, column: string, value: boolean) =>
  rowsOf(database.url, `UPDATE pg_index SET ${column} = ${value} WHERE indexrelid = '${name}'::regclass`)

/** Appends one row while an index takes none. */
async function appendUnseenBy(name: string): Promise<void> {
  const [last] = await rowsOf(
    database.url,
    `SELECT encode(head_hash, 'hex') AS hash FROM audit_log_chain_head WHERE domain_id = '${A}'`,
  )
  await mark(name, 'indisready', false)
  await insertRows(database.url, chainRows(A, [DENIED], ROWS + 1, String(last?.hash)))
  await mark(name, 'indisready', true)
}

const COUNTED = FILTER_INDEXES.map(({ name }) => name).filter((name) => !name.endsWith('_unknown'))

describe('an index', () => {
  it.each(COUNTED)('is incomplete where it lacks a row: %s', async (name) => {
    await appendUnseenBy(name)
    expect(await settle()).toMatchObject({
      code: 'index_incomplete',
      message: expect.stringContaining(
        `: ${name} has ${ROWS} of its rows, and the primary key has ${ROWS + 1};`,
      ),
      advice: { code: 'reindex', indexes: [name] },
    })
    expect(await verdictOf(B)).toMatchObject({ ok: true, doubts: [], uncounted: [] })
    await rowsOf(database.url, `REINDEX INDEX CONCURRENTLY ${name}`)
    expect(await verdictOf()).toMatchObject({ ok: true, doubts: [], uncounted: [] })
  })

  it.each(FILTER_INDEXES.map(({ name }) => name))('is incomplete where it is not valid: %s', async (name) => {
    await mark(name, 'indisvalid', false)
    expect(await settle()).toMatchObject({
      code: 'index_incomplete',
      message: expect.stringContaining(`${name} is not valid`),
      advice: { code: 'reindex', indexes: [name] },
    })
  })

  it('is incomplete where the primary key lacks a row that it has', async () => {
    await appendUnseenBy('audit_log_entry_pkey')
    const verdict = await verdictOf()
    expect(verdict.ok).toBe(false)
    expect(verdict.doubts).toMatchObject([{ code: 'index_incomplete', advice: { indexes: COUNTED } }])
  })

  it('does not hide a finding', async () => {
    await appendUnseenBy('audit_log_entry_by_relation')
    await rowsOf(
      database.url,
      `SET session_replication_role = replica;
       UPDATE audit_log_entry SET relation = 'x.y' WHERE domain_id = '${A}' AND seq = 5`,
    )
    expect(await verdictOf()).toMatchObject({
      ok: false,
      findings: [{ code: 'entry_hash_mismatch' }],
      doubts: [{ code: 'index_incomplete' }],
    })
  })
})

/** On a table of a page, PostgreSQL prefers the newer one of two indexes that would do, and counts by that one. */
const TIE = ['audit_log_entry_by_relation']

/** What an administrator may do to an honest database, and the indexes that are then not counted. */
const HONEST: readonly (readonly [sql: string, uncounted: readonly string[]])[] = [
  ['ANALYZE audit_log_entry', []],
  ['VACUUM ANALYZE audit_log_entry', []],
  ['DROP INDEX audit_log_entry_by_relation', []],
  ['REINDEX TABLE audit_log_entry', []],
  ['CREATE INDEX own ON audit_log_entry (domain_id, seq) INCLUDE (relation, object)', []],
  ['CREATE INDEX own ON audit_log_entry (domain_id, relation, seq) INCLUDE (object)', TIE],
  ['CREATE INDEX own ON audit_log_entry (domain_id, relation, seq, object, subject_pseudonym)', TIE],
  ['CREATE INDEX own ON audit_log_entry (domain_id, recorded_at)', []],
  ['CREATE INDEX own ON audit_log_entry (domain_id, reason, seq)', []],
  [`CREATE INDEX own ON audit_log_entry (domain_id, relation, seq) WHERE relation = 'secret.read'`, []],
  ['CREATE INDEX own ON audit_log_entry (domain_id, seq) WHERE seq < 20', []],
  ['CREATE INDEX own ON audit_log_entry USING hash (relation)', []],
  ['CREATE INDEX own ON audit_log_entry USING brin (domain_id, recorded_at)', []],
  [
    `ALTER INDEX audit_log_entry_by_relation SET (fillfactor = 10); REINDEX INDEX audit_log_entry_by_relation;
     CREATE INDEX own ON audit_log_entry (domain_id, relation, seq)`,
    ['audit_log_entry_by_relation'],
  ],
  [`DELETE FROM audit_log_entry WHERE domain_id = '${B}'; ANALYZE audit_log_entry`, []],
]

const SETTINGS = [
  'enable_indexscan=off',
  'enable_indexonlyscan=off',
  'enable_bitmapscan=off',
  'enable_seqscan=off',
  'enable_sort=off',
  'random_page_cost=1000',
  'seq_page_cost=0',
  'max_parallel_workers_per_gather=8',
  'parallel_setup_cost=0',
  'min_parallel_table_scan_size=0',
  'min_parallel_index_scan_size=0',
  'plan_cache_mode=force_generic_plan',
  'jit_above_cost=0',
]

describe('an honest database', () => {
  it.each(HONEST)('has no incomplete index: %s', async (sql, uncounted) => {
    for (const statement of sql.split(';')) {
      const guarded = statement.includes('DELETE')
        ? `SET session_replication_role = replica; ${statement}`
        : statement
      await rowsOf(database.url, guarded)
    }
    expect(await verdictOf()).toMatchObject({ ok: true, findings: [], doubts: [], uncounted })
  })

  it.each(SETTINGS)('has no incomplete index with %s', async (setting) => {
    const url = `${database.url}&options=${encodeURIComponent(`-c ${setting}`)}`
    expect(await verdictOf(A, url)).toMatchObject({ ok: true, doubts: [], uncounted: [] })
  })

  it('has no incomplete index while rows are appended and stamped', async () => {
    const writer = (async () => {
      const [last] = await rowsOf(
        database.url,
        `SELECT encode(head_hash, 'hex') AS hash FROM audit_log_chain_head WHERE domain_id = '${A}'`,
      )
      let hash = String(last?.hash)
      for (let seq = ROWS + 1; seq <= ROWS + 100; seq += 1) {
        const rows = chainRows(A, [DENIED], seq, hash)
        hash = String(rows.at(-1)?.entryHash)
        await insertRows(database.url, rows)
        await rowsOf(database.url, stampSql(`domain_id = '${A}' AND seq = ${seq - 20}`))
      }
      return 'done'
    })()
    let done = false
    void writer.then(() => {
      done = true
    })
    let verdicts = 0
    for (; !done; verdicts += 1)
      expect(await verdictOf()).toMatchObject({ ok: true, doubts: [], uncounted: [] })
    expect(await writer).toBe('done')
    expect(verdicts).toBeGreaterThan(3)
  })
})

it('is not counted for a segment', async () => {
  await appendUnseenBy('audit_log_entry_by_relation')
  const connected = new Database(database.url, 1)
  const source = new PostgresSource(connected, { countsIndexes: true })
  const signal = new AbortController().signal
  for (const range of [{ fromSeq: 2 }, { fromSeq: 1, toSeq: ROWS + 1 }]) {
    const request = { domainId: A, pins: [], ...range }
    expect(await verifyChain(source, request, () => undefined, signal)).toMatchObject({
      ok: true,
      doubts: [],
    })
  }
  await connected.close()
})
