import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ENROLLED_ROWS } from '../../src/signer/enrol.js'
import { jsonLines, runCli } from '../support/cli.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
let domainId = ''
beforeAll(async () => {
  log = await SigningFixture.make()
  await writeFile(join(log.log.dir, 'log.key'), KEY_FILE, { mode: 0o600 })
  domainId = await log.domain(1)
  for (let rows = 0; rows < ENROLLED_ROWS; rows += 1_000) await log.append(domainId, 1_000)
}, 120_000)
afterAll(() => log.drop())

const audit = (...args: string[]) =>
  runCli([...args, '--json'], {
    env: {
      AUDIT_DATABASE_URL: log.url,
      AUDIT_MIRROR_URL: log.log.mirrorUrl,
      AUDIT_HOME: join(log.log.dir, 'home'),
      AUDIT_LOG_KEY: pathToFileURL(join(log.log.dir, 'log.key')).href,
      AUDIT_LOG_NAME: LOG_NAME,
    },
  })

it('a long chain is archived and not signed by the archiver, and signed by log init', async () => {
  // The log begins with another chain, so that only the length of this one is in the way.
  await log.domain(2)
  expect((await audit('archiver', '--once')).code).toBe(0)
  const init = await audit('log', 'init')
  expect([init.code, init.stderr]).toEqual([0, ''])
  expect(jsonLines(init.stdout)).toContainEqual({
    domain_id: domainId,
    signed_through: ENROLLED_ROWS + 1,
    rows_signed: ENROLLED_ROWS + 1,
  })
  const long = await log.domain(1)
  for (let rows = 0; rows < ENROLLED_ROWS; rows += 1_000) await log.append(long, 1_000)
  const once = await audit('archiver', '--once')
  expect([once.code, once.stderr.includes('run: audit log init')]).toEqual([0, true])
  expect(jsonLines(once.stdout)).toContainEqual(
    expect.objectContaining({ domain_id: long, not_signed_reason: 'too_long', signed_through: null }),
  )
  expect((await audit('log', 'init')).code).toBe(0)
  expect((await log.indexed(long)).at(-1)?.size).toBe(ENROLLED_ROWS + 1)
}, 300_000)
