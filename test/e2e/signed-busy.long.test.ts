import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { openPepperSource } from '../../src/pepper/open-pepper.js'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { Writer } from '../support/append-chains.js'
import { SignedField } from '../support/signed-site.js'

const VERIFIES = Number(process.env.AUDIT_TEST_VERIFIES ?? 1_000)
const SOURCES = ['postgres', 'both', 'mirror'] as const

const home = mkdtempSync(join(tmpdir(), 'signed-busy-'))
let field: SignedField
let writer: Writer
let domainIds: readonly string[]

beforeAll(async () => {
  const env = { AUDIT_HOME: home }
  const before = new SignedField('', home, '', '', async () => undefined, env)
  const created = JSON.parse((await before.audit('domain', 'create', '--json')).stdout)
  const { url } = await ensureEmbedded(home)
  writer = new Writer(url, openPepperSource(pathToFileURL(join(home, 'pepper.key')).href))
  domainIds = [created.domain_id, await writer.create()]
  field = new SignedField(url, home, created.domain_id, '', async () => undefined, env)
  expect(await field.audit('archiver', '--once')).toMatchObject({ code: 0 })
})

afterAll(async () => {
  await writer.close()
  await stopEmbedded(home)
  rmSync(home, { recursive: true, force: true })
})

it(`finds nothing in ${VERIFIES} verifies beside writers, an archiver and a signer`, async () => {
  let isOver = false
  const write = async (domainId: string) => {
    // Slowly, so that the last verify has about as many rows to read as the first one.
    while (!isOver) {
      await writer.record(domainId)
      await sleep(100)
    }
  }
  let passes = 0
  const sign = async () => {
    while (!isOver) {
      const { code, stdout, stderr } = await field.audit('archiver', '--once')
      // A pass may end before the next row is written.
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^(?:nothing to archive\n)?$/)])
      if (stdout.includes('signed')) passes += 1
    }
  }
  const chains = [...domainIds, PLATFORM_ANCHOR]
  let signed = 0
  const verify = async () => {
    for (let run = 0; run < VERIFIES; run += 1) {
      const [chain = '', source = 'both'] = [chains[run % 3], SOURCES[Math.floor(run / 3) % 3]]
      const { verdict, error } = await field.outcome(chain, source, 'log')
      const found = verdict?.findings.map(({ code, seqFrom, seqTo }) => `${code} ${seqFrom}-${seqTo}`)
      expect([run, chain, source, error, found]).toEqual([run, chain, source, undefined, []])
      if (verdict?.signatures?.through !== undefined) signed += 1
    }
  }
  const verified = verify().finally(() => {
    isOver = true
  })
  const ended = await Promise.allSettled([verified, ...domainIds.map(write), sign()])
  expect(ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))).toEqual([])
  expect(passes).toBeGreaterThan(1)
  expect(signed).toBeGreaterThan(VERIFIES / 2)
})
