import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Acknowledged, CliDatabase, chainLengths } from '../support/append-process.js'
import { jsonLines, spawnCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const dir = mkdtempSync(join(tmpdir(), 'audit-idem-'))
let database: TestDatabase
let cli: CliDatabase

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
})

afterAll(async () => {
  await database.drop()
  cli.remove()
  rmSync(dir, { recursive: true, force: true })
})

const rowsIn = (stdout: string) => jsonLines(stdout) as Acknowledged[]

function line(key: string, object: string, patch: object = {}): string {
  return JSON.stringify({
    subject_id: 'alice',
    relation: 'project.read',
    object,
    idempotency_key: key,
    ...patch,
  })
}

describe('a file that is appended again and again', () => {
  const ENTRIES = 3000

  /** Kills the append once `rows` rows are durable. */
  async function killedAfter(rows: number, file: string, domainId: string): Promise<number> {
    const args = ['append', file, '--domain', domainId, '--json']
    const child = await spawnCli(args, { env: cli.env })
    let lines = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      lines += text.split('\n').length - 1
      if (lines >= rows) child.kill('SIGKILL')
    })
    await new Promise((resolve) => child.once('close', resolve))
    return lines
  }

  it('is stored once, in order, although the appends were killed halfway', async () => {
    const domainId = await cli.create()
    const file = join(dir, 'entries.ndjson')
    const lines = Array.from({ length: ENTRIES }, (_, i) => line(randomUUID(), `project:${i}`))
    writeFileSync(file, `${lines.join('\n')}\n`)
    for (const rows of [1, 1000, 2000]) {
      expect(await killedAfter(rows, file, domainId)).toBeGreaterThanOrEqual(rows)
    }
    const run = () => cli.run('append', file, '--domain', domainId, '--json')
    const [last, again] = [await run(), await run()]
    expect(last).toMatchObject({ code: 0, stderr: '' })
    expect(again).toEqual(last)
    expect(rowsIn(last.stdout).map(({ seq }) => seq)).toEqual(
      Array.from({ length: ENTRIES }, (_, i) => i + 2),
    )
    expect((await chainLengths(database.url)).get(domainId)).toBe(ENTRIES + 1)
    expect(await cli.run('verify', '--domain', domainId)).toMatchObject({ code: 0 })
  })
})

describe('an entry with a key', () => {
  it('is one row when it comes from flags and then from a line', async () => {
    const domainId = await cli.create()
    const key = randomUUID()
    const entry = ['--subject', 'alice', '--relation', 'project.read', '--object', 'project:1']
    const flags = () =>
      cli.run('append', '--domain', domainId, ...entry, '--idempotency-key', key.toUpperCase(), '--json')
    const [first, second] = [await flags(), await flags()]
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(second).toEqual(first)
    const streamed = await cli.runWith(
      line(key, 'project:1'),
      'append',
      '--domain',
      domainId,
      '--stdin',
      '--json',
    )
    expect(streamed).toEqual(first)
  })

  it('ends the run at its line when its content differs', async () => {
    const domainId = await cli.create()
    const [key, other] = [randomUUID(), randomUUID()]
    const input = [line(key, 'project:1'), line(key, 'project:2'), line(other, 'project:3')].join('\n')
    const stopped = await cli.runWith(input, 'append', '--domain', domainId, '--stdin', '--json')
    expect(stopped.code).toBe(2)
    expect(rowsIn(stopped.stdout).map(({ seq }) => seq)).toEqual([2])
    expect(JSON.parse(stopped.stderr)).toMatchObject({
      error: { code: 'idempotency_conflict', message: expect.stringContaining('standard input, line 2: ') },
    })
  })

  it('goes to --rejects when its content differs', async () => {
    const domainId = await cli.create()
    const key = randomUUID()
    const rejects = join(dir, 'rejects')
    const input = [line(key, 'project:1'), line(key, 'project:2'), line(randomUUID(), 'project:3')]
    const args = ['append', '--domain', domainId, '--stdin', '--json', '--rejects', rejects]
    const done = await cli.runWith(input.join('\n'), ...args)
    expect(done.code).toBe(2)
    expect(rowsIn(done.stdout).map(({ seq }) => seq)).toEqual([2, 3])
    expect(readFileSync(rejects, 'utf8')).toBe(`${input[1]}\n`)
  })

  it.each(['0', '366', 'seven', '1.5'])('cannot be kept for %s days', async (days) => {
    const args = ['append', '--stdin', '--idempotency-days', days, '--json']
    const refused = await cli.runWith(line(randomUUID(), 'project:1'), ...args)
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('idempotency-days') },
    })
  })
})
