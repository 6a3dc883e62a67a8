import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A, type ExpectedFinding, gap, head, malformed, unexpected } from '../support/attacks/attack.js'
import { change, NO_CHECKS, remove, set } from '../support/attacks/statements.js'
import { jsonVerdicts, textVerdicts } from '../support/attacks/verdict.js'
import { chainRows } from '../support/chain-rows.js'
import { runCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

/** Long enough that a worker thread folds the chain. Its verdict reaches the main thread as plain data. */
const LENGTH = 21_000
const rows = chainRows(A, Array(LENGTH).fill({ relationPath: ['org:acme#admin'] }))
const at = (seq: number) => rows[seq - 1] ?? { entryHash: '', prevHash: '' }
const last = at(LENGTH).entryHash

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  await rowsOf(database.url, 'INSERT INTO audit_domain (domain_id) VALUES ($1)', [A])
  for (let from = 0; from < LENGTH; from += 1_000) await insert(rows.slice(from, from + 1_000))
  await rowsOf(database.url, 'INSERT INTO audit_log_chain_head VALUES ($1, $2, $3)', [
    A,
    LENGTH + 1,
    Buffer.from(last, 'hex'),
  ])
})

afterAll(() => database.drop())

async function insert(some: typeof rows): Promise<void> {
  await rowsOf(
    database.url,
    `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path,
       recorded_at, prev_hash, entry_hash)
     SELECT $1, seq, decode($2, 'hex'), 'project.read', 'project:' || seq, 1, '{org:acme#admin}',
       '2026-01-01T00:00:00.000001Z'::timestamptz + seq * interval '1 second', decode(prev, 'hex'), decode(entry, 'hex')
     FROM unnest($3::bigint[], $4::text[], $5::text[]) AS r (seq, prev, entry)`,
    [
      A,
      'ab'.repeat(32),
      some.map(({ seq }) => seq),
      some.map(({ prevHash }) => prevHash),
      some.map(({ entryHash }) => entryHash),
    ],
  )
}

async function verify(exit: number, findings: readonly ExpectedFinding[], words: readonly string[] = []) {
  const args = ['verify', '--domain', A, ...words, '--database-url', database.url]
  const [json, text] = [await runCli([...args, '--json']), await runCli(args)]
  expect([json.code, text.code]).toEqual([exit, exit])
  const verdicts = [{ chain: A, ok: exit === 0, findings }]
  expect(jsonVerdicts(json.stdout)).toEqual(verdicts)
  expect(textVerdicts(text.stdout)).toEqual(verdicts)
}

/** The order matters: each attack is added to the one before. */
describe('a long chain', () => {
  it('is intact', () => verify(0, []))

  it('matches its pin', () => verify(0, [], ['--expect-head', `${LENGTH - 7}:${at(LENGTH - 7).entryHash}`]))

  it('is reported with a malformed row and a missing row', async () => {
    await asSuperuser(database.url, `${NO_CHECKS + set(3, 'reason = 257')} ${remove(`seq = ${LENGTH - 7}`)}`)
    const [lost, after] = [at(LENGTH - 7), at(LENGTH - 6)]
    const found = [malformed(3, at(3).entryHash), gap(LENGTH - 7, LENGTH - 7, after.prevHash)]
    await verify(1, found)
    const pin = unexpected(LENGTH - 7, { expected: lost.entryHash })
    await verify(1, [...found, pin], ['--expect-head', `${LENGTH - 7}:${lost.entryHash}`])
  })

  it('reports a missing row at the end of a segment', () =>
    verify(1, [malformed(3, at(3).entryHash), gap(LENGTH - 7, LENGTH - 7)], ['--to-seq', String(LENGTH - 7)]))

  it('reports rows cut from its end', async () => {
    await asSuperuser(database.url, remove(`seq >= ${LENGTH - 8}`) + change(3, { reason: 1 }))
    const hashes = { expected: at(LENGTH - 9).entryHash, observed: last }
    await verify(1, [head(LENGTH - 8, LENGTH, hashes)])
  })
})
