import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'
import { WebhookServer } from '../support/webhook-server.js'

const SECRET = 'hunter2-hunter2-hunter2'
const dir = mkdtempSync(join(tmpdir(), 'alerts-'))

let server: WebhookServer
let database: TestDatabase
let cli: CliDatabase
let edited: string
let whole: string

beforeAll(async () => {
  server = await WebhookServer.start()
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  ;[edited, whole] = [await cli.create(), await cli.create()]
  await cli.run('append', '--domain', edited, '--subject', 'alice', '--relation', 'r', '--object', 'o:1')
  const path = join(dir, 'honest.tar')
  expect(await cli.run('export', '--domain', edited, '--output', path)).toMatchObject({ code: 0 })
  await asSuperuser(
    database.url,
    `UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${edited}' AND seq = 2`,
  )
  expect(await cli.run('export', '--domain', edited, '--output', join(dir, 'edited.tar'))).toMatchObject({
    code: 1,
  })
})
beforeEach(() => server.answer())
afterAll(async () => {
  await server.stop()
  cli.remove()
  await database.drop()
  rmSync(dir, { recursive: true })
})

/** Runs a command with a home of its own, unless one is named: files in the home stop a second process from sending the same alert. */
function audit(
  args: readonly string[],
  { url = server.url, home = mkdtempSync(join(dir, 'home-')), more = {} } = {},
) {
  const env = { AUDIT_ALERT_WEBHOOK_URL: url, AUDIT_ALERT_WEBHOOK_SECRET: SECRET }
  return runCli(args, { env: { ...cli.env, AUDIT_HOME: home, ...env, ...more } })
}

describe('the alert of a divergence', () => {
  it('is sent by verify once a minute, and not for an intact chain', async () => {
    const home = join(dir, 'home')
    const runs = [await audit(['verify', '--all'], { home }), await audit(['verify', '--all'], { home })]
    expect(runs.map(({ code }) => code)).toEqual([1, 1])
    expect(server.bodies()).toMatchObject([
      {
        domain_id: edited,
        code: 'entry_hash_mismatch',
        source: 'postgres',
        seq_from: 2,
        seq_to: 2,
        findings: 1,
      },
    ])
    expect(server.received[0]?.body).not.toContain('alice')
    expect(await audit(['verify', '--domain', whole])).toMatchObject({ code: 0, stderr: '' })
    expect(server.received).toHaveLength(1)
  })

  it('is sent by the archiver', async () => {
    const more = { AUDIT_MIRROR_URL: `file://${join(dir, 'mirror')}` }
    expect(await audit(['archiver', '--once', '--init-mirror'], { more })).toMatchObject({ code: 1 })
    expect(server.bodies()).toMatchObject([
      { domain_id: edited, code: 'entry_hash_mismatch', source: 'postgres' },
    ])
  })

  it('is sent by an archiver that does not sign a chain, and changes no exit code', async () => {
    const key = join(dir, 'log.key')
    writeFileSync(key, Buffer.alloc(32, 7), { mode: 0o600 })
    const signing = { AUDIT_LOG_KEY: `file://${key}`, AUDIT_LOG_NAME: 'audit.example.com/tlog' }
    const more = { AUDIT_MIRROR_URL: `file://${join(dir, 'mirror')}` }
    const without = await audit(['archiver', '--once', '--init-mirror'], { more })
    server.answer()
    const once = await audit(['archiver', '--once', '--init-mirror'], { more: { ...more, ...signing } })
    expect(once.code).toBe(without.code)
    expect(server.bodies().filter(({ type }) => type === 'audit.not_signed')).toEqual([
      expect.objectContaining({ domain_id: PLATFORM_ANCHOR, reason: 'not_initialised' }),
    ])
  })

  it('is sent by verify of a bundle', async () => {
    expect(await audit(['verify', '--source', 'bundle', join(dir, 'edited.tar')])).toMatchObject({ code: 1 })
    expect(server.bodies()).toMatchObject([{ domain_id: edited, source: 'bundle' }])
    expect(await audit(['verify', '--source', 'bundle', join(dir, 'honest.tar')])).toMatchObject({ code: 0 })
    expect(server.received).toHaveLength(1)
  })
})

describe('an alert that cannot be sent', () => {
  it('changes neither the verdict nor the exit code', async () => {
    server.answer({ status: 301, headers: { location: server.url } })
    const { code, stdout, stderr } = await audit(['verify', '--domain', edited, '--json'])
    expect([code, jsonLines(stdout).length]).toEqual([1, 1])
    expect(stderr).toMatch(/note: an alert was not delivered to 127\.0\.0\.1:\d+: HTTP 301\n/)
    expect(stderr).not.toMatch(/TOKEN|hunter2/)
    expect(server.received).toHaveLength(1)
  })

  it.each([
    ['no URL', 'alerts', ['verify', '--all']],
    ['no URL, of the archiver', 'ftp://alerts.example.org/TOKEN', ['archiver', '--once']],
    ['no URL, of a bundle', '', ['verify', '--source', 'bundle', join(dir, 'honest.tar')]],
  ])('is a usage error before the command does anything: %s', async (_, url, args) => {
    const { code, stdout, stderr } = await audit(args, { url })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Error: AUDIT_ALERT_WEBHOOK_URL: expected/)
    expect(stderr).not.toMatch(/TOKEN|hunter2/)
  })
})
