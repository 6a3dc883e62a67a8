import { afterAll, beforeAll, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let cli: CliDatabase
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  const lines = Array.from({ length: 6 }, (_, n) =>
    JSON.stringify({ subject_id: 'alice', relation: 'order.read', object: `order:${n}` }),
  )
  await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', domainId)
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET relation = 'forged' WHERE domain_id = '${domainId}' AND seq IN (2, 4, 6)`,
  )
  expect(await cli.run('verify', '--domain', domainId)).toMatchObject({ code: 1 })
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

const acknowledge = (...args: string[]) =>
  cli.run('quarantine', 'acknowledge', ...args, '--reason', 'INC-1', '--json')
const codeIn = (stderr: string) =>
  (JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}') as Failure).error?.code
interface Failure {
  readonly error?: { readonly code: string }
}

async function open(): Promise<number[]> {
  const { stdout } = await cli.run('quarantine', 'list', '--all', '--unacknowledged', '--json')
  return jsonLines(stdout).map((one) => (one as { id: number }).id)
}

const ON = (): string[] => ['--domain', domainId]

it.each<[string, () => string[], number, string]>([
  ['neither ids nor --up-to', () => [], 2, 'usage'],
  ['both ids and --up-to', () => ['1', '--up-to', '2', ...ON()], 2, 'usage'],
  ['--up-to without a chain', () => ['--up-to', '2'], 2, 'usage'],
  ['ids and a chain', () => ['1', ...ON()], 2, 'usage'],
  ['what is no id', () => ['1', 'two'], 2, 'usage'],
  ['--up-to 0', () => ['--up-to', '0', '--all'], 2, 'usage'],
  ['an unknown id', () => ['1', '99'], 4, 'quarantine_not_found'],
  ['--up-to an unknown id', () => ['--up-to', '99', '--all'], 4, 'quarantine_not_found'],
  ['--up-to an id of another chain', () => ['--up-to', '2', '--platform'], 4, 'quarantine_not_found'],
])('refuses %s, and acknowledges nothing', async (_name, args, code, error) => {
  const refused = await acknowledge(...args())
  expect([refused.code, codeIn(refused.stderr), refused.stdout]).toEqual([code, error, ''])
  expect(await open()).toEqual([1, 2, 3])
})

it('prints each record of a step as JSON, and leaves later findings open', async () => {
  const done = await acknowledge('--up-to', '2', ...ON())
  expect([done.code, jsonLines(done.stdout)]).toMatchObject([
    0,
    [
      { id: 1, acknowledge_reason: 'INC-1' },
      { id: 2, acknowledge_reason: 'INC-1' },
    ],
  ])
  expect(await open()).toEqual([3])
  const rows = await rowsOf(
    database.url,
    `SELECT object FROM audit_log_entry WHERE relation = 'audit.quarantine-acknowledge' ORDER BY domain_id, seq`,
  )
  expect(rows.map(({ object }) => object)).toEqual(['quarantine:1', 'quarantine:2'])
})

it('refuses what is acknowledged, with an open record beside it', async () => {
  const refused = await acknowledge('3', '1')
  expect([refused.code, codeIn(refused.stderr)]).toEqual([2, 'already_acknowledged'])
  expect(await open()).toEqual([3])
})

it('prints one record as show does, and the log is intact but for the forged rows', async () => {
  const done = await cli.run('quarantine', 'acknowledge', '3', '--reason', 'INC-1')
  expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/^id +3$/m)])
  const verified = await cli.run('verify', '--domain', domainId, '--json')
  expect(jsonLines(verified.stdout)).toMatchObject([
    { findings: [{ seq_from: 2 }, { seq_from: 4 }, { seq_from: 6 }] },
  ])
})
