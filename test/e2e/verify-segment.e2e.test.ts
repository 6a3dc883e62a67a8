import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const dir = mkdtempSync(join(tmpdir(), 'verify-segment-'))
const mirror = pathToFileURL(join(dir, 'mirror')).href
let database: TestDatabase
let cli: CliDatabase
/** Rows 11 and 12 of 20 are edited, which is one finding, and it is acknowledged. */
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  const lines = Array.from({ length: 19 }, (_, n) =>
    JSON.stringify({ subject_id: 'alice', relation: 'order.read', object: `order:${n}` }),
  )
  await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', domainId)
  expect(await cli.run('archiver', '--once', '--init-mirror', '--mirror', mirror)).toMatchObject({ code: 0 })
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET relation = 'forged' WHERE domain_id = '${domainId}' AND seq IN (11, 12)`,
  )
  expect(await cli.run('verify', '--domain', domainId)).toMatchObject({ code: 1 })
  const acknowledged = await cli.run('quarantine', 'acknowledge', '1', '--reason', 'INC-1')
  expect(acknowledged).toMatchObject({ code: 0 })
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const records = () =>
  rowsOf(
    database.url,
    `SELECT code, seq_from::int AS from, seq_to::int AS to, acknowledged_at IS NULL AS open
     FROM audit_tamper_quarantine ORDER BY id`,
  )

const KNOWN = { code: 'entry_hash_mismatch', from: 11, to: 12, open: false }

it.each([
  ['begins within the finding', ['--from-seq', '12'], 1],
  ['ends within the finding', ['--to-seq', '11'], 1],
  ['is one row of the finding', ['--from-seq', '12', '--to-seq', '12'], 1],
  ['is the finding', ['--from-seq', '11', '--to-seq', '12'], 1],
  ['holds the finding', ['--from-seq', '5', '--to-seq', '15'], 1],
  ['ends before the finding', ['--to-seq', '10'], 0],
])('records nothing new for an acknowledged finding when the segment %s', async (_name, segment, code) => {
  const verified = await cli.run('verify', '--domain', domainId, ...segment)
  expect([verified.code, verified.stderr]).toEqual([code, ''])
  expect(await records()).toEqual([KNOWN])
})

it('adds no record of PostgreSQL when both copies of a segment are compared', async () => {
  const both = ['--source', 'both', '--mirror', mirror]
  expect(await cli.run('verify', '--domain', domainId, ...both)).toMatchObject({ code: 1 })
  const before = await records()
  expect(await cli.run('verify', '--domain', domainId, '--from-seq', '12', ...both)).toMatchObject({
    code: 1,
  })
  expect(await records()).toEqual(before)
})

it('records a new edit beside an acknowledged finding', async () => {
  const before = await records()
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET relation = 'forged' WHERE domain_id = '${domainId}' AND seq = 17`,
  )
  expect(await cli.run('verify', '--domain', domainId, '--from-seq', '16')).toMatchObject({ code: 1 })
  expect(await records()).toEqual([...before, { code: 'entry_hash_mismatch', from: 17, to: 17, open: true }])
})
