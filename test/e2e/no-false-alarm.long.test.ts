import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ChainHead } from '../../src/chain/entry.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { KeyFilePepper } from '../../src/pepper/key-file.js'
import type { KnownChains } from '../../src/ports/domains.js'
import type { EntrySource } from '../../src/ports/verify.js'
import { acknowledgeQuarantine } from '../../src/quarantine/acknowledge.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { SNAPSHOT_BEGIN } from '../../src/repo/session/snapshot.js'
import { chainState } from '../../src/repo/verify/chain-state.js'
import { knownChains } from '../../src/repo/verify/known-chains.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chainsToVerify } from '../../src/verify/verify-all.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { ACTOR, entryFor, Writer } from '../support/append-chains.js'
import { CliDatabase, chainLengths } from '../support/append-process.js'
import { ensureBuilt, jsonLines, ROOT } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const VERIFIES = 1000
/** The rows of a chain that is judged on two threads. */
const LONG = 21_000
const THREADS = { threads: 2, here: true, threadRows: LONG / 3 }

let database: TestDatabase
let cli: CliDatabase
let writer: Writer
let source: EntrySource
/** Four short chains and a long one. */
let ids: string[]
let long: string

beforeAll(async () => {
  await ensureBuilt()
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  writer = newWriter()
  source = await builtSource()
  ids = await Promise.all(Array.from({ length: 4 }, () => writer.create()))
  long = await writer.create()
  for (let rows = 1; rows < LONG; rows += 1000) {
    await writer.sink.recordGroup(
      Array.from({ length: 1000 }, () => entryFor(long)),
      'stop',
    )
  }
})

afterAll(async () => {
  await writer.close()
  cli.remove()
  await database.drop()
})

function newWriter(): Writer {
  return new Writer(database.url, new KeyFilePepper(cli.keyFile))
}

/** Returns the built source, because the worker's file lies beside the code that starts it. */
async function builtSource(): Promise<EntrySource> {
  const path = join(ROOT, 'dist/src/repo/verify/postgres-source.js')
  const { PostgresSource } = (await import(path)) as typeof import('../../src/repo/verify/postgres-source.js')
  return new PostgresSource(writer.database, THREADS)
}

/** The writers that run until `over`; each resolves with how often it acted. */
class Traffic {
  over = false

  run(): Promise<number[]> {
    const processes = Array.from({ length: 4 }, (_, p) => this.#process(p))
    const sinks = Array.from({ length: 4 }, (_, p) => this.#sink(p))
    return Promise.all([...processes, ...sinks, this.#creates(), this.#quarantine()])
  }

  async #repeat(pause: number, act: (i: number) => Promise<unknown>): Promise<number> {
    let done = 0
    for (; !this.over; done += 1) {
      await act(done)
      await sleep(pause)
    }
    return done
  }

  /** Appends one by one in a process, sometimes to all chains at once. */
  async #process(p: number): Promise<number> {
    const process = await cli.appender()
    const done = await this.#repeat(10, async (i) => {
      const domain_ids = i % 7 === p ? [...ids, long] : [ids[p] ?? '']
      const line = { subject_id: `service:${p}`, relation: 'project.read', object: 'project:1', domain_ids }
      expect(await process.append(line, domain_ids.length)).toBe(true)
    })
    expect(await process.end()).toMatchObject({ code: 0 })
    return done
  }

  /** Appends in groups with a sink, also to the long chain and to the platform chain. */
  async #sink(p: number): Promise<number> {
    const own = newWriter()
    const chains: (string | string[])[] = [ids[p] ?? '', [...ids].reverse(), long, PLATFORM_ANCHOR]
    const done = await this.#repeat(20, (i) =>
      Promise.all(Array.from({ length: 1 + (i % 5) }, (_, k) => own.record(chains[(i + k) % 4] ?? long))),
    )
    await own.close()
    return done
  }

  #creates(): Promise<number> {
    return this.#repeat(300, () => writer.create())
  }

  async #quarantine(): Promise<number> {
    const store = postgresQuarantine(writer.database)
    return this.#repeat(50, async (i) => {
      await store.record(ids[i % 4] ?? '', 'postgres', [
        { code: 'seq_gap', seqFrom: i + 1, seqTo: i + 1, detail: 'made up' },
      ])
      const [open] = await store.page({ unacknowledgedOnly: true }, { after: 0, limit: 1 })
      if (open === undefined) throw new Error('the record is not there')
      await acknowledgeQuarantine(
        { store, pepper: writer.pepper, actor: ACTOR },
        { ids: [open.id] },
        'a test',
      )
    })
  }
}

/** Heads of earlier runs, which later runs must find again. */
const pins = new Map<string, ChainHead>()

async function verify(
  domainId: string,
  segment: { fromSeq?: number; toSeq?: number } = {},
  known?: KnownChains,
): Promise<Verdict> {
  const { fromSeq = 1, toSeq } = segment
  const pin = pins.get(domainId)
  const isInside = pin !== undefined && pin.seq >= fromSeq && pin.seq <= (toSeq ?? pin.seq)
  const request = { domainId, fromSeq, toSeq, pins: isInside ? [pin] : [], known }
  const verdict = await verifyChain(source, request, () => undefined, new AbortController().signal)
  if (toSeq === undefined) pins.set(domainId, verdict.head)
  return verdict
}

/** Verifies a segment of a chain: its last two thirds, or its middle. */
async function verifySegment(domainId: string, isOpen: boolean): Promise<Verdict> {
  const { last } = await writer.database.write((client) => chainState(client, domainId))
  const third = Math.ceil((last?.seq ?? 1) / 3)
  return verify(domainId, isOpen ? { fromSeq: third } : { fromSeq: third, toSeq: 2 * third - 1 || 1 })
}

/** Verifies as `verify --all` does. */
async function verifyAll(): Promise<Verdict[]> {
  const known = await writer.database.withTransaction(SNAPSHOT_BEGIN, knownChains)
  const verdicts: Verdict[] = []
  for (const domainId of chainsToVerify(known, new Map())) {
    verdicts.push(await verify(domainId, {}, known))
  }
  return verdicts
}

/** Runs the i-th verify: of all chains, of the long one, of a segment, or of one chain. */
async function verifyNext(i: number): Promise<Verdict[]> {
  const domainId = [...ids, PLATFORM_ANCHOR][i % 5] ?? long
  if (i % 40 === 7) return verifyAll()
  if (i % 20 === 3) return [await verify(long)]
  if (i % 10 === 5) return [await verifySegment(i % 40 === 5 ? long : domainId, true)]
  if (i % 10 === 9) return [await verifySegment(domainId, false)]
  return [await verify(domainId)]
}

/** Runs the built command line again and again until `over`; resolves with the number of runs. */
async function verifyByCli(traffic: Traffic): Promise<number> {
  for (let runs = 0; ; runs += 1) {
    if (traffic.over) return runs
    const chain = runs % 2 === 0 ? ['--all'] : ['--domain', long]
    const { code, stdout, stderr } = await cli.run('verify', ...chain, '--json')
    const bad = jsonLines(stdout).filter((result) => (result as { ok?: boolean }).ok === false)
    expect({ code, stderr, bad }).toEqual({ code: 0, stderr: '', bad: [] })
    await sleep(1000)
  }
}

it(`finds nothing in ${VERIFIES} verifies while 8 writers append`, async () => {
  const before = await chainLengths(database.url)
  const traffic = new Traffic()
  const going = traffic.run()
  const byCli = verifyByCli(traffic)
  let next = 0
  let verified = 0
  const findings: unknown[] = []
  const loop = async () => {
    while (verified < VERIFIES) {
      const verdicts = await verifyNext(next++)
      verified += verdicts.length
      findings.push(...verdicts.flatMap((verdict) => verdict.findings))
    }
  }
  try {
    await Promise.race([Promise.all([loop(), loop(), loop()]), going, byCli])
  } finally {
    traffic.over = true
  }
  const done = await going
  expect(findings).toEqual([])
  expect(await byCli).toBeGreaterThan(3)
  expect(Math.min(...done)).toBeGreaterThan(5)
  const after = await chainLengths(database.url)
  for (const id of [...ids, long, PLATFORM_ANCHOR])
    expect(after.get(id)).toBeGreaterThan((before.get(id) ?? 0) + 20)
  expect((await verifyAll()).flatMap((verdict) => verdict.findings)).toEqual([])
})
