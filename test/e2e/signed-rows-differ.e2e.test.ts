import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, ROOT, runCli } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

const dir = mkdtempSync(join(tmpdir(), 'signed-rows-differ-'))
let fork: TestDatabase
let fresh: TestDatabase
let cli: CliDatabase
let domainId: string
let env: Record<string, string>

const line = (at: number) =>
  JSON.stringify({
    subject_id: 'alice',
    relation: `r.${at}`,
    object: 'o:1',
    reason: 'caveat_violation',
    relation_path: ['group:ops#member'],
    caveat_context: ['hours', 'net.range'],
    correlation_id: 'c',
    zedtoken: 'z',
  })
const append = (...rows: number[]) =>
  cli.runWith(rows.map(line).join('\n'), 'append', '--stdin', '--domain', domainId)

/** A log whose Domain has four signed and archived rows, that was cut to three, and got two rows since. */
beforeAll(async () => {
  fork = await testDatabase()
  fresh = await testDatabase({ migrated: false })
  cli = new CliDatabase(fork.url)
  domainId = await cli.create()
  await append(2, 3, 4)
  const key = join(dir, 'log.key')
  writeFileSync(key, Buffer.alloc(32, 7), { mode: 0o600 })
  const log = await SignedLog.open({ url: fork.url })
  await log.enrol()
  writeFileSync(join(dir, 'audit.policy'), log.policy)
  await log.close()
  env = {
    ...cli.env,
    AUDIT_MIRROR_URL: pathToFileURL(join(dir, 'mirror')).href,
    AUDIT_LOG_KEY: pathToFileURL(key).href,
    AUDIT_LOG_NAME: 'audit.example.com/tlog',
  }
  expect(await audit('archiver', '--once', '--init-mirror')).toMatchObject({ code: 0 })
  await asSuperuser(
    fork.url,
    `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq = 4;
     UPDATE audit_log_chain_head h SET next_seq = 4, head_hash = e.entry_hash FROM audit_log_entry e
     WHERE h.domain_id = '${domainId}' AND e.domain_id = h.domain_id AND e.seq = 3`,
  )
  await append(40, 50)
})
afterAll(async () => {
  cli.remove()
  await fork.drop()
  await fresh.drop()
  rmSync(dir, { recursive: true, force: true })
})

const audit = (...args: string[]) => runCli(args, { env })

/** Returns the commands of the step of the runbook. */
function commands(): string {
  const page = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8')
  const [, step = ''] = /^\*\*3\. The mirror has the signed rows\.\*\*([\s\S]*?)^\*\*4\./m.exec(page) ?? []
  return step
    .split('\n')
    .filter((text) => text.startsWith('    '))
    .join('\n')
}

describe('the way of the runbook where the mirror has the signed rows', () => {
  it('begins with a finding', async () => {
    const verified = await audit('verify', '--domain', domainId, '--source', 'both', '--json')
    expect(verified.code).toBe(1)
    const [result] = jsonLines(verified.stdout) as { findings: { code: string; seq_from: number }[] }[]
    expect(result?.findings.map(({ code }) => code)).toContain('checkpoint_mismatch')
  })

  it('ends with a log that has the signed rows and those of the fork, and goes on signing', async () => {
    const script = `set -euo pipefail\naudit() { node '${join(ROOT, 'bin/run.js')}' "$@"; }\n${commands()}\n`
    const { status, stderr } = spawnSync('/bin/bash', ['-c', script], {
      cwd: dir,
      env: { ...process.env, ...env, DOMAIN: domainId, NEW: fresh.url },
      encoding: 'utf8',
    })
    expect(stderr).not.toContain('Error')
    expect(status).toBe(0)
    env = { ...env, AUDIT_DATABASE_URL: fresh.url }
    const listed = await audit('list', '--domain', domainId, '--all', '--json')
    const rows = jsonLines(listed.stdout) as Record<string, unknown>[]
    const fields = ({
      object,
      reason,
      relation_path,
      decision,
      correlation_id,
      zedtoken,
    }: Record<string, unknown>) => ({ object, reason, relation_path, decision, correlation_id, zedtoken })
    expect(rows.slice(4).map(fields)).toEqual(rows.slice(2, 4).map(fields))
    expect(rows.map(({ relation }) => relation).slice(1)).toEqual(['r.2', 'r.3', 'r.4', 'r.40', 'r.50'])
    expect(await audit('archiver', '--once')).toMatchObject({ code: 0 })
    const policy = join(dir, 'audit.policy')
    const verified = await audit('verify', '--all', '--source', 'both', '--policy', policy)
    expect(verified).toMatchObject({ code: 0 })
    expect(verified.stdout).toContain('signed through row 6')
  })
})
