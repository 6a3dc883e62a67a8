import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const ROWS = 700
const dir = mkdtempSync(join(tmpdir(), 'report-context-'))
let database: TestDatabase
let cli: CliDatabase

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
})

afterAll(async () => {
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

it('says on the page and on stderr from which row on it has no room for the context', async () => {
  const domainId = await cli.create()
  // Each character is shown as an escape of eight.
  const metadata = { text: '\u202e'.repeat(2_000) }
  const lines = Array.from({ length: ROWS }, (_, i) =>
    JSON.stringify({ subject_id: 'a', relation: 'r', object: `o:${i}`, context: { metadata } }),
  )
  const appended = await cli.runWith(lines.join('\n'), 'append', '--stdin', '--domain', domainId)
  expect(appended).toMatchObject({ code: 0 })
  const output = join(dir, 'report.html')
  const { code, stderr } = await cli.run('report', '--domain', domainId, '--context', '--output', output)
  const page = readFileSync(output, 'utf8')
  const row = Number(/from row (\d+) of chain/.exec(stderr)?.[1])
  expect({ code, isInside: row > 500 && row < ROWS }).toEqual({ code: 0, isInside: true })
  expect(page).toContain(`It has none of them from row ${row} of ${domainId} on.`)
  expect(page).toContain(`["0/${row - 1}",`)
  expect(page).not.toContain(`["0/${row}",`)
})
