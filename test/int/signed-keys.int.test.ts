import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { SignedLog, type SignedLogOptions } from '../support/signed-log.js'
import { type SignedField, SignedSite } from '../support/signed-site.js'

let site: SignedSite
let field: SignedField
let logs: SignedLog[] = []

beforeAll(async () => {
  site = await SignedSite.make()
})

afterEach(async () => {
  for (const log of logs) await log.close()
  logs = []
  await field.drop()
})

afterAll(() => site.drop())

const seed = new Uint8Array(32).fill(3)

/** What begins to sign a log whose first key signed rows up to 10 of chain A. */
const SECOND_LOGS: readonly [string, SignedLogOptions][] = [
  ['another log name', { logName: 'audit.new.example.com', seed }],
  ['another key of the same log', { seed }],
]

it.each(SECOND_LOGS)('a policy with two keys takes what each of them signs: %s', async (_, options) => {
  field = await site.copied()
  const [first, second] = [
    await SignedLog.open({ url: field.url }),
    await SignedLog.open({ url: field.url, ...options }),
  ]
  logs = [first, second]
  const both = join(field.dir, 'both.policy')
  writeFileSync(both, first.policy.replace('quorum none\n', '') + second.policy)
  const verify = (...args: string[]) => field.verify(...args, '--policy', both)
  expect(await verify('--domain', field.a)).toEqual([0, ''])
  await second.enrol()
  expect(await verify('--domain', field.a)).toEqual([0, ''])
  await second.sign()
  expect(await verify('--all')).toEqual([0, ''])
  await field.rewrite(field.a, 12, ['postgres'])
  const found = [1, 'checkpoint_mismatch 11-12']
  expect(await verify('--domain', field.a)).toEqual(found)
  expect(await verify('--all')).toEqual(found)
})
