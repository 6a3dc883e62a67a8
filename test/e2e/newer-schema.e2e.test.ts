import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { finished, spawnCli } from '../support/cli.js'
import { rowsOf } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

let fixture: ArchiveFixture
let cli: CliDatabase

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  cli = new CliDatabase(fixture.url)
  await cli.create()
})
afterEach(async () => {
  cli.remove()
  await fixture.drop()
})

/** What a newer program leaves: its record, and tables without a column that this program reads. */
const MIGRATED = `INSERT INTO audit_schema_migration VALUES (9999, 'of a newer program', sha256(''));
  ALTER TABLE audit_log_entry RENAME COLUMN seq TO moved`

/** Begins to sign, and returns the environment with the key. */
async function signingEnv() {
  const log = await SignedLog.open({ url: fixture.url })
  await log.enrol()
  await log.close()
  const key = join(fixture.dir, 'log.key')
  await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 })
  return { AUDIT_LOG_KEY: pathToFileURL(key).href, AUDIT_LOG_NAME: 'audit.example.com/tlog' }
}

it.each([
  ['an archiver', ['archiver', '--poll-interval', '0.05']],
  ['a signer', ['archiver', '--poll-interval', '1h', '--checkpoint-interval', '1s']],
  ['a server', ['serve', '--port', '0', '--probe-every', '1s']],
])('%s that was started before a newer program migrates the database ends with 3', async (what, args) => {
  const child = await spawnCli(args, {
    env: {
      ...cli.env,
      AUDIT_MIRROR_URL: fixture.mirrorUrl,
      ...(what === 'a signer' && (await signingEnv())),
    },
  })
  const ended = finished(child)
  await Promise.race([once(child.stdout, 'data'), ended])
  await rowsOf(fixture.url, MIGRATED)
  const { code, stderr } = await ended
  expect(stderr).toMatch(/the database has schema 9999, this program knows \d+ at most/)
  expect(code).toBe(3)
})
