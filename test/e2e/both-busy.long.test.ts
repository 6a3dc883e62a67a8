import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runWorker } from '../../src/archive/worker.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { KnownChains } from '../../src/ports/domains.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import type { EntrySource } from '../../src/ports/verify.js'
import { SNAPSHOT_BEGIN } from '../../src/repo/session/snapshot.js'
import { chainState } from '../../src/repo/verify/chain-state.js'
import { knownChains } from '../../src/repo/verify/known-chains.js'
import { postgresSnapshots } from '../../src/repo/verify/postgres-snapshot.js'
import { BothSource } from '../../src/verify/both-source.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chainsToVerify } from '../../src/verify/verify-all.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { entryFor, Writer } from '../support/append-chains.js'
import { ArchiveFixture, NEVER } from '../support/archive-fixture.js'
import { ensureBuilt, jsonLines, runCli } from '../support/cli.js'
import { rowsOf } from '../support/postgres.js'

const VERIFIES = 1000
const WRITERS = 4
const DOMAINS = 4

let fixture: ArchiveFixture
let writer: Writer
let store: MirrorStore
let both: EntrySource
let mirror: EntrySource
let ids: string[]

beforeAll(async () => {
  await ensureBuilt()
  fixture = await ArchiveFixture.make()
  writer = new Writer(fixture.url)
  store = await openMirror(fixture.mirrorUrl)
  both = new BothSource(postgresSnapshots(writer.database), store, mirrorCodec, nodeHasher)
  mirror = new MirrorSource(store, mirrorCodec, nodeHasher)
  ids = await Promise.all(Array.from({ length: DOMAINS }, () => writer.create()))
  await fixture.archiver().once()
})

afterAll(async () => {
  store.close()
  await writer.close()
  await fixture.drop()
})

/** Appends of each writer per verify. Without this limit a slow machine would verify ever longer chains. */
const PACE = 0.2

/** The writers and archivers that run until `stop`. */
class Traffic {
  readonly #verified: () => number
  readonly #stop = new AbortController()
  /** The number of appends of each writer. */
  readonly appended: number[] = Array(WRITERS).fill(0)
  readonly failures: string[] = []
  passes = 0

  constructor(verified: () => number) {
    this.#verified = verified
  }

  run(): Promise<unknown> {
    const writers = this.appended.map((_, w) => this.#write(w))
    return Promise.all([...writers, this.#archive(), this.#archive()])
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Appends one by one, in groups, to several chains at once and to the platform chain; sometimes creates a Domain. */
  async #write(w: number): Promise<void> {
    const own = new Writer(fixture.url)
    for (let i = 0; !this.#stop.signal.aborted; i += 1) {
      const id = ids[(i + w) % ids.length] ?? PLATFORM_ANCHOR
      if (i % 40 === 39) await own.create()
      else if (i % 10 === w) await own.record([...ids])
      else if (i % 10 === 9) await own.record(PLATFORM_ANCHOR)
      else await Promise.all(Array.from({ length: 1 + (i % 4) }, () => own.sink.record(entryFor(id))))
      this.appended[w] = i + 1
      do await sleep(80)
      while (i > 20 + PACE * this.#verified() && !this.#stop.signal.aborted)
    }
    await own.close()
  }

  async #archive(): Promise<void> {
    const archiver = fixture.archiver({ concurrency: 16 })
    await runWorker(
      {
        ...archiver.deps,
        pollInterval: 20,
        onPass: async () => {
          this.passes += 1
        },
        onTrouble: (error) => this.failures.push(error.message),
        onRecovered: () => undefined,
      },
      this.#stop.signal,
    )
    expect(archiver.found).toEqual([])
  }
}

async function verify(
  source: EntrySource,
  domainId: string,
  fromSeq = 1,
  toSeq?: number,
  known?: KnownChains,
): Promise<Verdict> {
  const request = { domainId, fromSeq, toSeq, pins: [], known }
  return verifyChain(source, request, () => undefined, NEVER)
}

async function lastSeq(domainId: string): Promise<number> {
  const { last } = await writer.database.write((client) => chainState(client, domainId))
  return last?.seq ?? 1
}

/** Verifies as `verify --all --source both` does. */
async function verifyAll(): Promise<Verdict[]> {
  const known = await writer.database.withTransaction(SNAPSHOT_BEGIN, knownChains)
  const verdicts: Verdict[] = []
  for (const domainId of chainsToVerify(known, new Map())) {
    verdicts.push(await verify(both, domainId, 1, undefined, known))
  }
  return verdicts
}

/** Runs the i-th verify: mostly of the end of a chain, where rows are being added. */
async function verifyNext(i: number): Promise<Verdict[]> {
  const domainId = [...ids, PLATFORM_ANCHOR][i % (DOMAINS + 1)] ?? PLATFORM_ANCHOR
  if (i % 50 === 25) return verifyAll()
  if (i % 10 === 5) return [await verify(both, domainId)]
  const last = await lastSeq(domainId)
  if (i % 10 === 3) return [await verify(both, domainId, Math.max(1, last - 20), last)]
  return [await verify(both, domainId, Math.max(1, last - 30))]
}

/** Runs the built command line again and again; resolves with the number of runs. */
async function verifyByCli(isOver: () => boolean): Promise<number> {
  const env = { AUDIT_DATABASE_URL: fixture.url, AUDIT_MIRROR_URL: fixture.mirrorUrl }
  for (let runs = 0; ; runs += 1) {
    if (isOver()) return runs
    const { code, stdout, stderr } = await runCli(['verify', '--source', 'both', '--all', '--json'], { env })
    const bad = jsonLines(stdout).filter((result) => (result as { ok?: boolean }).ok === false)
    expect({ code, stderr, bad }).toEqual({ code: 0, stderr: '', bad: [] })
    await sleep(4000)
  }
}

it(`finds nothing in ${VERIFIES} verifies of both copies while ${WRITERS} writers append and 2 archivers upload`, async () => {
  let verified = 0
  const traffic = new Traffic(() => verified)
  const going = traffic.run()
  let isOver = false
  const byCli = verifyByCli(() => isOver)
  const found: unknown[] = []
  let [next, unarchived, ofMirror] = [0, 0, 0]
  const loop = async () => {
    while (verified < VERIFIES) {
      const verdicts = await verifyNext(next++)
      verified += verdicts.length
      unarchived += verdicts.filter((verdict) => (verdict.unarchived ?? 0) > 0).length
      found.push(...verdicts.flatMap(({ findings }) => findings))
    }
  }
  /** Verifies the mirror alone while archivers write to it. */
  const mirrorLoop = async () => {
    for (; verified < VERIFIES; ofMirror += 1) {
      found.push(...(await verify(mirror, ids[ofMirror % DOMAINS] ?? '')).findings)
      await sleep(50)
    }
  }
  try {
    await Promise.race([Promise.all([loop(), loop(), mirrorLoop()]), going, byCli])
  } finally {
    isOver = true
    traffic.stop()
  }
  await going
  expect(found).toEqual([])
  expect(traffic.failures).toEqual([])
  expect(await byCli).toBeGreaterThan(1)
  // Without this much traffic the test would prove nothing.
  expect(Math.min(...traffic.appended)).toBeGreaterThan(20)
  expect(traffic.passes).toBeGreaterThan(50)
  expect(unarchived).toBeGreaterThan(10)
  expect(ofMirror).toBeGreaterThan(20)

  await fixture.archiver().once()
  const settled = await verifyAll()
  expect(settled.flatMap(({ findings }) => findings)).toEqual([])
  expect(settled.filter(({ unarchived }) => unarchived !== 0)).toEqual([])
  expect(await rowsOf(fixture.url, 'SELECT code FROM audit_tamper_quarantine')).toEqual([])
})
