import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { SigningStep } from '../../src/signer/deps.js'
import { signedProblems } from '../support/signed-problems.js'
import { LOG_NAME, SigningFixture } from '../support/signing-fixture.js'
import { SigningProcesses, stopped } from '../support/signing-process.js'
import { hex, sha256 } from '../support/tlog-vectors.js'

let log: SigningFixture
let processes: SigningProcesses
beforeAll(async () => {
  ;[log, processes] = await Promise.all([SigningFixture.make(), SigningProcesses.make()])
  await log.domain(1)
  await log.signer().once()
})
afterAll(async () => {
  await processes.remove()
  await log.drop()
})

/** What is durable of one chain: how many records were made, checkpoints kept, heads indexed, statements kept and keys named. */
interface Durable {
  readonly records: number
  readonly kept: number
  readonly indexed: number
  readonly statements: number
  readonly named: boolean
}

async function durable(domainId: string): Promise<Durable> {
  const origin = hex(sha256(new TextEncoder().encode(`${LOG_NAME}/${domainId}`)))
  const records = await readdir(join(log.log.dir, 'home', 'signer', origin)).catch(() => [])
  const keys = (await log.signedRows('audit.log-key')).flatMap(({ items }) => items)
  return {
    records: Math.max(-1, ...records.map((name) => Number.parseInt(name, 10))) + 1,
    kept: (await log.kept(domainId)).length,
    indexed: (await log.indexed(domainId)).length,
    statements: (await log.kept(domainId, 'keys')).length,
    named: keys.some((item) => item.startsWith(`key:${domainId}:`)),
  }
}

const minus = (after: Durable, before: Durable) => ({
  records: after.records - before.records,
  kept: after.kept - before.kept,
  indexed: after.indexed - before.indexed,
  statements: after.statements - before.statements,
})

/** The steps of signing one chain, with what is there of it after the process died (tlog.md, section 7). */
const NOTHING = { records: 0, kept: 0, indexed: 0, statements: 0 }
const PROMISED = { ...NOTHING, records: 1 }
const STEPS: readonly [SigningStep, typeof NOTHING][] = [
  ['folded', NOTHING],
  ['object_read', NOTHING],
  ['tiles_stored', NOTHING],
  ['record_created', PROMISED],
  ['signed', PROMISED],
  ['checkpoint_kept', { ...PROMISED, kept: 1 }],
  ['statement_kept', { ...PROMISED, kept: 1, statements: 1 }],
]

/** Runs a process that dies after a step, and expects that it did. */
async function killedAfter(step: SigningStep, domainId: string, only = [domainId]): Promise<void> {
  const point = { step, domainId, signal: 'SIGKILL' as const }
  const end = await processes.run({ url: log.url, dir: log.log.dir, only, point })
  expect(end).toMatchObject({ signal: 'SIGKILL', stderr: '' })
}

/** Adds rows, runs one pass, and expects a log without a fault that has nothing left to do. */
async function expectRepaired(domainId: string, addTo = domainId): Promise<void> {
  const promised = await durable(domainId)
  await log.append(addTo, 2)
  const signer = log.signer()
  const results = await signer.once()
  expect(results.filter(({ reason }) => reason !== undefined)).toEqual([])
  const after = await durable(domainId)
  // What was promised was kept, and then the new rows were signed.
  expect(after.kept).toBeGreaterThanOrEqual(promised.records + (domainId === PLATFORM_ANCHOR ? 0 : 1))
  expect(after.records).toBe(after.kept)
  expect(after.indexed).toBeGreaterThan(promised.indexed)
  expect(signer.found).toEqual([])
  expect(await log.signer().once()).toEqual([])
  expect(await signedProblems(log)).toEqual([])
}

describe('a process that is killed leaves what the next run completes', () => {
  it.each(STEPS)('after %s of a Domain that was never signed', async (step, left) => {
    const domainId = await log.domain(3)
    await log.signer().archiver.once()
    await killedAfter(step, domainId)
    expect(await durable(domainId)).toEqual({ ...left, named: true })
    await expectRepaired(domainId)
  })

  it.each(STEPS)('after %s of a Domain that was signed before', async (step, left) => {
    const domainId = await log.domain(3)
    await log.signer().once()
    await log.append(domainId, 2)
    await log.signer().archiver.once()
    const before = await durable(domainId)
    await killedAfter(step, domainId)
    expect(minus(await durable(domainId), before)).toEqual({ ...left, statements: 0 })
    await expectRepaired(domainId)
  })

  it.each(STEPS)('after %s of the platform chain', async (step, left) => {
    const domainId = await log.domain(1)
    await log.signer().archiver.once()
    const before = await durable(PLATFORM_ANCHOR)
    await killedAfter(step, PLATFORM_ANCHOR, [domainId])
    expect(minus(await durable(PLATFORM_ANCHOR), before)).toEqual({ ...left, statements: 0 })
    await expectRepaired(PLATFORM_ANCHOR, domainId)
  })

  it('after the row that names the heads, or after the keys are named', async () => {
    for (const step of ['keys_named', 'heads_named'] as const) {
      const domainId = await log.domain(2)
      await log.signer().archiver.once()
      await killedAfter(step, PLATFORM_ANCHOR, [domainId])
      const isNamed = step === 'heads_named'
      const expected = { records: 1, kept: 1, indexed: 1, statements: 1, named: true }
      expect(await durable(domainId)).toEqual(isNamed ? expected : { ...NOTHING, named: true })
      await expectRepaired(domainId)
    }
  })

  it.each(STEPS)('after %s of the platform chain of a new log', async (step, left) => {
    const before = log
    log = await SigningFixture.make()
    const domainId = await log.domain(2)
    await log.signer().archiver.once()
    await killedInNewLog(step, domainId)
    expect(await durable(PLATFORM_ANCHOR)).toEqual({ ...left, named: true })
    await expectRepaired(PLATFORM_ANCHOR, domainId)
    await log.drop()
    log = before
  })
})

async function killedInNewLog(step: SigningStep, domainId: string): Promise<void> {
  await killedAfter(step, PLATFORM_ANCHOR, [domainId])
}

describe('a process that is stopped', () => {
  it('between reading and creating a record continues from the record of another process', async () => {
    const domainId = await log.domain(3)
    await log.signer().once()
    await log.append(domainId, 2)
    await log.signer().archiver.once()
    const point = { step: 'tiles_stored', domainId, signal: 'SIGSTOP' } as const
    const { child, end } = processes.start({ url: log.url, dir: log.log.dir, only: [domainId], point })
    await stopped(child)
    for (let pass = 0; pass < 3; pass += 1) {
      await log.append(domainId, 1)
      await log.signer().once()
    }
    await log.append(domainId, 1)
    await log.signer().archiver.once()
    child.kill('SIGCONT')
    expect(await end).toMatchObject({ code: 0, stderr: '' })
    const sizes = (await log.kept(domainId)).map((name) => Number(name.slice(0, 20)))
    expect(sizes.slice(0, 4)).toEqual([3, 6, 7, 8])
    expect(new Set(sizes).size).toBe(sizes.length)
    await log.signer().once()
    expect(await log.signer().once()).toEqual([])
    expect(await signedProblems(log)).toEqual([])
  })
})
