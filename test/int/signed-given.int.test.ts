import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { SignedLog } from '../support/signed-log.js'
import { PLATFORM, type SignedField, SignedSite } from '../support/signed-site.js'

let site: SignedSite
let field: SignedField
let log: SignedLog

beforeAll(async () => {
  site = await SignedSite.make()
})

afterEach(async () => {
  await log.close()
  await field.drop()
})

afterAll(() => site.drop())

/** Checkpoints of the platform chain whose newest heads in the mirror are those of its own rows. */
const CASES: readonly [string, (f: SignedField) => Promise<string>, number, string][] = [
  [
    'another history is a mismatch',
    async () => log.headOf(PLATFORM, ['c'.repeat(64), 'd'.repeat(64)]).kept,
    1,
    'checkpoint_mismatch 1-2',
  ],
  [
    'rows after the end of the copy is a rollback',
    async (f) => {
      const { note } = await log.head(PLATFORM, 7)
      await f.cut(PLATFORM, 6, ['mirror'])
      return note
    },
    1,
    'checkpoint_rollback 7-7',
  ],
  ['rows that hold verifies', async () => (await log.head(PLATFORM, 7)).kept, 0, ''],
]

it.each(CASES)(
  'a given checkpoint of %s, where the platform chain of a mirror is read twice',
  async (_, give, code, found) => {
    field = await site.copied()
    log = await SignedLog.open({ url: field.url })
    const path = join(field.dir, 'given')
    writeFileSync(path, await give(field))
    field.removeObject(`tlog/${PLATFORM}/checkpoints`)
    const args = ['--all', '--source', 'mirror', '--policy', field.policy, '--checkpoint', path]
    expect(await field.verify(...args)).toEqual([code, found])
  },
)
