import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Acknowledged,
  type AppendProcess,
  CliDatabase,
  chainLengths,
  lost,
} from '../support/append-process.js'
import { jsonLines } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const PROCESSES = 8
const APPENDS = 500

let database: TestDatabase
let cli: CliDatabase

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

interface Line {
  readonly subject_id: string
  readonly relation: string
  readonly object: string
  readonly domain_ids: readonly string[]
}

function lineFor(process: number, i: number, domain_ids: readonly string[]): Line {
  return { subject_id: `service:${process}`, relation: 'project.read', object: `project:${i}`, domain_ids }
}

/** Feeds the lines to one process, each after the one before was acknowledged; resolves with the acknowledgements. */
async function appendAll(lines: readonly Line[]): Promise<readonly Acknowledged[]> {
  const process: AppendProcess = await cli.appender()
  for (const line of lines) {
    const { length } = process.acknowledged
    if (!(await process.append({ ...line }, line.domain_ids.length))) break
    const chains = process.acknowledged.slice(length).map((row) => row.domain_id)
    expect(chains.sort()).toEqual([...line.domain_ids].sort())
  }
  expect(await process.end()).toEqual({ code: 0, signal: null, stderr: '' })
  return process.acknowledged
}

/** Runs `verify --all`; resolves with its exit code and findings. */
async function verified() {
  const { code, stdout, stderr } = await cli.run('verify', '--all', '--json')
  const results = jsonLines(stdout) as { findings?: unknown[] }[]
  return {
    code,
    stderr,
    findings: results.flatMap(({ findings }) => (Array.isArray(findings) ? findings : [])),
  }
}

const INTACT = { code: 0, stderr: '', findings: [] }

describe(`${PROCESSES} processes of ${APPENDS} appends`, () => {
  it('leave one chain dense and intact, with every acknowledged row', async () => {
    const domainId = await cli.create()
    const lines = (p: number) => Array.from({ length: APPENDS }, (_, i) => lineFor(p, i, [domainId]))
    const acknowledged = await Promise.all(Array.from({ length: PROCESSES }, (_, p) => appendAll(lines(p))))
    expect(acknowledged.map((rows) => rows.length)).toEqual(Array(PROCESSES).fill(APPENDS))
    expect(await lost(database.url, acknowledged.flat())).toEqual([])
    expect((await chainLengths(database.url)).get(domainId)).toBe(PROCESSES * APPENDS + 1)
    for (const rows of acknowledged) expect(isAscending(rows)).toBe(true)
    expect(await verified()).toEqual(INTACT)
  })

  it('leave four chains dense and intact after fan-outs, without a deadlock', async () => {
    const ids = [await cli.create(), await cli.create(), await cli.create(), await cli.create()]
    const lines = (p: number) => Array.from({ length: APPENDS }, (_, i) => lineFor(p, i, fanOut(ids, p + i)))
    const acknowledged = await Promise.all(Array.from({ length: PROCESSES }, (_, p) => appendAll(lines(p))))
    const wanted = Array.from({ length: PROCESSES }, (_, p) => lines(p)).flat(2)
    expect(acknowledged.flat()).toHaveLength(wanted.flatMap((line) => line.domain_ids).length)
    expect(await lost(database.url, acknowledged.flat())).toEqual([])
    const lengths = await chainLengths(database.url)
    for (const id of ids) {
      const rows = wanted.filter((line) => line.domain_ids.includes(id)).length
      expect(lengths.get(id)).toBe(rows + 1)
    }
    expect(await verified()).toEqual(INTACT)
  })
})

/** Returns one to four of the chains, in changing order. */
function fanOut(ids: readonly string[], i: number): string[] {
  const turned = [...ids.slice(i % 4), ...ids.slice(0, i % 4)]
  const some = turned.slice(0, [1, 1, 2, 1, 4, 1, 3][i % 7])
  return i % 2 === 0 ? some : some.reverse()
}

function isAscending(rows: readonly Acknowledged[]): boolean {
  return rows.every((row, i) => i === 0 || row.seq > (rows[i - 1]?.seq ?? 0))
}
