import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const A = '018f0000-0000-7000-8000-00000000000a'
const BY_RELATION = 'audit_log_entry_by_relation'

let database: TestDatabase
let dir: string

beforeEach(async () => {
  database = await testDatabase()
  dir = mkdtempSync(join(tmpdir(), 'audit-index-'))
  writeFileSync(join(dir, 'pepper.key'), Buffer.alloc(32, 5), { mode: 0o600 })
  await ok('domain', 'create', '--domain', A)
  await append('project.read')
})

afterEach(async () => {
  await database.drop()
  rmSync(dir, { recursive: true })
})

function audit(...args: string[]): Promise<CliResult> {
  const env = {
    AUDIT_DATABASE_URL: database.url,
    AUDIT_PEPPER: `file://${dir}/pepper.key`,
    AUDIT_MIRROR_URL: `file://${dir}/mirror`,
  }
  return runCli(args, { env })
}

async function ok(...args: string[]): Promise<CliResult> {
  const result = await audit(...args)
  expect(result).toMatchObject({ code: 0 })
  return result
}

const append = (relation: string) =>
  ok('append', '--domain', A, '--subject', 'x', '--relation', relation, '--object', 'c:d')

async function appendUnseenByIndex(): Promise<void> {
  const ready = (is: boolean) =>
    rowsOf(
      database.url,
      `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = '${BY_RELATION}'::regclass`,
    )
  await ready(false)
  await append('secret.delete')
  await ready(true)
}

const errorsOf = ({ stderr }: CliResult) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{"error"'))
    .map((line) => JSON.parse(line).error as { code: string; message: string; hint: string })

describe.each(['postgres', 'both'])('verify --source %s with an index that lacks a row', (source) => {
  const verify = (...words: string[]) => audit('verify', '--source', source, ...words, '--json')

  beforeEach(async () => {
    // A stamp writes a new version of the row, which every index takes, so the row is appended after the archiver.
    await ok('archiver', '--once', '--init-mirror')
    await appendUnseenByIndex()
  })

  it.each([
    ['one chain', ['--domain', A]],
    ['every chain', ['--all']],
  ])('ends with 3, and with 0 after the command of the hint: %s', async (_, words) => {
    const result = await verify(...words)
    expect(result.code).toBe(3)
    const [error, ...others] = errorsOf(result)
    expect(others).toEqual([])
    expect(error).toMatchObject({
      code: 'index_incomplete',
      message: expect.stringContaining(`${BY_RELATION} has 2 of its rows, and the primary key has 3`),
    })
    const [command = ''] = /REINDEX INDEX CONCURRENTLY \w+/.exec(error?.hint ?? '') ?? []
    await rowsOf(database.url, command)
    expect(await verify(...words)).toMatchObject({ code: 0, stderr: '' })
  })

  it('ends with 1 for a finding, and still prints the error', async () => {
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET object = 'c:e' WHERE domain_id = '${A}' AND seq = 2`,
    )
    const result = await verify('--domain', A)
    expect(result.code).toBe(1)
    expect(jsonLines(result.stdout)).toMatchObject([{ ok: false, divergent_seq: 2 }])
    expect(errorsOf(result)).toMatchObject([{ code: 'index_incomplete' }])
  })

  it('ends with 0 for a segment, whose rows are not counted', async () => {
    expect(await verify('--domain', A, '--to-seq', '3')).toMatchObject({ code: 0, stderr: '' })
  })

  it('calls no chain unknown if the index lacks the row that creates one', async () => {
    const [B] = ['018f0000-0000-7000-8000-00000000000b']
    await rowsOf(
      database.url,
      `UPDATE pg_index SET indisready = false WHERE indexrelid = '${BY_RELATION}'::regclass`,
    )
    await ok('domain', 'create', '--domain', B)
    await rowsOf(
      database.url,
      `UPDATE pg_index SET indisready = true WHERE indexrelid = '${BY_RELATION}'::regclass`,
    )
    const result = await verify('--all')
    expect(result.code).toBe(3)
    expect(new Set(errorsOf(result).map(({ code }) => code))).toEqual(new Set(['index_incomplete']))
  })
})

it('names an index that it did not count, and ends with 0', async () => {
  await rowsOf(
    database.url,
    'CREATE INDEX own ON audit_log_entry (domain_id, relation, seq) INCLUDE (object)',
  )
  const { code, stderr } = await audit('verify', '--domain', A)
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^note: indexes not counted.*by_relation$/m),
  })
})
