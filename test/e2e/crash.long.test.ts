import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Acknowledged,
  type AppendEnd,
  CliDatabase,
  chainLengths,
  lost,
} from '../support/append-process.js'
import { jsonLines } from '../support/cli.js'
import { type TestCluster, testCluster } from '../support/postgres.js'

/** The cluster is durable, unlike the one that tests share, because this file is about crashes. */
const DURABLE = { fsync: 'on', full_page_writes: 'on' }

let cluster: TestCluster
let cli: CliDatabase
let ids: string[]

beforeAll(async () => {
  cluster = await testCluster(DURABLE)
  cli = new CliDatabase(cluster.url)
  expect(await cli.run('db', 'migrate')).toMatchObject({ code: 0 })
  ids = [await cli.create(), await cli.create()]
})

afterAll(async () => {
  await cluster.stop('immediate')
  cli.remove()
})

/** Returns the i-th line: two of three lines go to one chain, the third to both. */
function lineFor(i: number) {
  const domain_ids = i % 3 === 2 ? ids : [ids[i % 2] ?? '']
  return { subject_id: 'service:a', relation: 'project.read', object: `project:${i}`, domain_ids }
}

/** Expects every acknowledged row, and every chain to be dense, to match its head and to verify. */
async function expectIntact(acknowledged: readonly Acknowledged[]): Promise<void> {
  expect(await lost(cluster.url, acknowledged)).toEqual([])
  const lengths = await chainLengths(cluster.url)
  const { code, stdout, stderr } = await cli.run('verify', '--all', '--json')
  const results = jsonLines(stdout) as { ok?: boolean; domain_id?: string; rows?: number }[]
  expect({ code, stderr, bad: results.filter(({ ok }) => ok === false) }).toEqual({
    code: 0,
    stderr: '',
    bad: [],
  })
  for (const { domain_id, rows } of results.slice(0, -1)) expect(rows).toBe(lengths.get(domain_id ?? ''))
}

describe('a process that is killed while it appends', () => {
  const KILLS = 50

  /** Feeds a process in bursts, without waiting, and kills it `delay` ms after its first row. */
  async function killedAfter(delay: number): Promise<readonly Acknowledged[]> {
    const process = await cli.appender()
    let fed = 0
    const feed = () => {
      for (let n = 1 + (fed % 40); n > 0; n -= 1) process.feed(lineFor(fed++))
    }
    feed()
    expect(await process.reaches(1)).toBe(true)
    const feeding = setInterval(feed, 1)
    await sleep(delay)
    const end = await process.kill()
    clearInterval(feeding)
    expect(end).toMatchObject({ code: null, signal: 'SIGKILL' })
    return process.acknowledged
  }

  it(`loses no acknowledged row in ${KILLS} kills`, async () => {
    const acknowledged: Acknowledged[] = []
    for (let kills = 0; kills < KILLS; kills += 2) {
      const delays = [Math.random() * 150, Math.random() * 150]
      acknowledged.push(...(await Promise.all(delays.map(killedAfter))).flat())
      expect(await lost(cluster.url, acknowledged)).toEqual([])
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS)
    await expectIntact(acknowledged)
  })
})

describe('a server that goes away while processes append', () => {
  const WRITERS = 4
  const OUTAGES: [string, () => Promise<void>][] = [
    ['restarted', async () => void (await cluster.stop('fast'))],
    ['crashed', async () => void (await cluster.stop('immediate'))],
    ['killed', killPostmaster],
  ]

  interface Outcome {
    readonly acknowledged: readonly Acknowledged[]
    readonly ends: readonly AppendEnd[]
  }

  /** Appends line by line. When its process ends, starts another one, as an operator would. */
  async function persist(first: number, isOver: () => boolean): Promise<Outcome> {
    const acknowledged: Acknowledged[] = []
    const ends: AppendEnd[] = []
    for (let i = first; !isOver(); ) {
      const process = await cli.appender()
      while (!isOver()) {
        const line = lineFor(i)
        if (!(await process.append(line, line.domain_ids.length))) break
        i += WRITERS
      }
      ends.push(await process.end())
      acknowledged.push(...process.acknowledged)
    }
    return { acknowledged, ends }
  }

  it.each(OUTAGES)('%s: leaves a clear error, no fork and every acknowledged row', async (_how, takeDown) => {
    let over = false
    const writers = Array.from({ length: WRITERS }, (_, i) => persist(i, () => over))
    await grown(200)
    await takeDown()
    await startAgain()
    await grown(200)
    over = true
    const outcomes = await Promise.all(writers)
    await expectIntact(outcomes.flatMap(({ acknowledged }) => acknowledged))
    const failed = outcomes.flatMap(({ ends }) => ends).filter(({ code }) => code !== 0)
    expect(failed.length).toBeGreaterThanOrEqual(WRITERS)
    for (const { code, stderr } of failed) {
      expect(code).toBe(3)
      const [{ error }] = jsonLines(stderr) as [{ error: { code: string } }]
      expect(['database_unavailable', 'outcome_unknown']).toContain(error.code)
    }
  })

  /** Waits until there are `rows` more rows. */
  async function grown(rows: number): Promise<void> {
    const count = async () => [...(await chainLengths(cluster.url)).values()].reduce((sum, n) => sum + n, 0)
    const before = await count()
    await expect.poll(count, { timeout: 60_000, interval: 50 }).toBeGreaterThan(before + rows)
  }

  async function killPostmaster(): Promise<void> {
    const dir = new URL(cluster.url.replace('@/', '@localhost/')).searchParams.get('host') ?? ''
    const [pid] = (await readFile(join(dir, 'data', 'postmaster.pid'), 'utf8')).split('\n')
    process.kill(Number(pid), 'SIGKILL')
  }

  /** Retries the start: after a kill the backends keep the shared memory until they notice. */
  async function startAgain(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await cluster.start()
        return
      } catch (error) {
        if (tries === 50) throw error
        await sleep(100)
      }
    }
  }
})
