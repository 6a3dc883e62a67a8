import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { createSink } from '../../src/index.js'
import { AppendProcess, lost } from '../support/append-process.js'
import { finished } from '../support/cli.js'
import { OldDatabase, SOURCES, verifyAll } from '../support/old-database.js'
import { packageBefore } from '../support/package-before.js'
import { rowsOf } from '../support/postgres.js'

let old: OldDatabase
beforeEach(async () => {
  old = await OldDatabase.make()
})
afterEach(() => old?.drop())

const migrateNow = () => old.now(['db', 'migrate'])

async function expectIntact() {
  for (const source of SOURCES)
    expect(await verifyAll((args) => old.now(args), source)).toMatchObject({ code: 0, errors: [] })
}

/** Makes link(2) wait for as long as a file exists: a mirror that is slow. */
const HOLD = (file: string) => `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { link } = fs
fs.link = (from, to, then) => {
  const wait = () => (fs.existsSync(${JSON.stringify(file)}) ? setTimeout(wait, 20) : link(from, to, then))
  wait()
}
syncBuiltinESMExports()
`

describe('an older archiver that uploads', () => {
  let child: ChildProcessWithoutNullStreams
  let ended: ReturnType<typeof finished>
  let hold: string

  beforeEach(async () => {
    const { domainId } = await domainWith(5)
    hold = join(old.dir, 'hold')
    const preload = join(old.dir, 'hold.mjs')
    await writeFile(hold, '')
    await writeFile(preload, HOLD(hold))
    child = await old.spawnBefore(['archiver', '--once'], {
      NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`,
    })
    ended = finished(child)
    const claimed = () => rowsOf(old.url, `SELECT FROM audit_claim WHERE domain_id = '${domainId}'`)
    await expect.poll(claimed).toHaveLength(1)
  })

  it('is named by a refused migration, works on, and the next migration succeeds', async () => {
    const refused = await migrateNow()
    expect(refused.code).toBe(3)
    const { error } = JSON.parse(refused.stderr)
    expect(error).toMatchObject({
      code: 'archiver_running',
      message: expect.stringMatching(
        /^an archiver has claimed chain [-0-9a-f]+.*: pid \d+, application "audit", role postgres$/,
      ),
      hint: expect.stringContaining('stop every archiver'),
    })
    const [, pid] = /pid (\d+)/.exec(error.message) ?? []
    expect(
      await rowsOf(old.url, 'SELECT application_name FROM pg_stat_activity WHERE pid = $1', [pid]),
    ).toEqual([{ application_name: 'audit' }])
    expect(await old.version()).toBe(14)

    await rm(hold)
    expect(await ended).toMatchObject({ code: 0 })
    expect(await rowsOf(old.url, 'SELECT FROM audit_log_entry WHERE archived_at IS NULL')).toEqual([])
    expect(await migrateNow()).toMatchObject({ code: 0 })
    await expectIntact()
  })

  it('that was killed stops the migration until its claim ends', async () => {
    child.kill('SIGKILL')
    await ended
    const refused = await migrateNow()
    expect(refused.code).toBe(3)
    const { error } = JSON.parse(refused.stderr)
    expect(error).toMatchObject({
      code: 'archiver_running',
      message: expect.stringMatching(
        /^an archiver has claimed .* \(holder [-0-9a-f]+\), and no session .* may have died; the claim ends at \S+Z$/,
      ),
      hint: expect.stringContaining('wait until the claim has ended'),
    })
    const [, ends = ''] = /ends at (\S+)$/.exec(error.message) ?? []
    await sleep(Math.max(0, Date.parse(ends) - Date.now()) + 1_100)
    expect(await migrateNow()).toMatchObject({ code: 0 })
    expect(await old.now(['archiver', '--once'])).toMatchObject({ code: 0 })
    await expectIntact()
  })
})

/** The sessions of the programs. */
const SESSIONS = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'audit'`

describe('an older program that is idle', () => {
  it.each([
    ['an archiver', ['archiver', '--poll-interval', '0.1']],
    ['a server', ['serve', '--port', '0', '--probe-every', '1s']],
  ])('ends with 3, schema_newer, after the migration: %s', async (_what, args) => {
    await domainWith(3)
    await old.done(old.before(['archiver', '--once']))
    const ended = finished(await old.spawnBefore(args))
    await expect.poll(() => rowsOf(old.url, SESSIONS)).not.toEqual([])
    expect(await migrateNow()).toMatchObject({ code: 0 })
    const { code, stderr } = await ended
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/the database has schema \d+, this program knows 14 at most/),
    ])
    await expectIntact()
  })
})

describe('an older writer', () => {
  it('append --stdin goes on across the migration', async () => {
    const { domainId, line } = await domainWith(1)
    const writer = await AppendProcess.start(old.env, packageBefore().bin)
    // It looks at the schema before its first row, and not again.
    expect(await writer.append(line(0))).toBe(true)
    let migrated = false
    const migrating = migrateNow().finally(() => {
      migrated = true
    })
    let after = 0
    for (let i = 1; after < 20; i += 1) {
      expect(await writer.append(line(i))).toBe(true)
      if (migrated) after += 1
    }
    expect(await migrating).toMatchObject({ code: 0 })
    expect(await writer.end()).toMatchObject({ code: 0 })
    expect(await lost(old.url, writer.acknowledged)).toEqual([])
    expect(
      await rowsOf(old.url, 'SELECT count(*)::int AS n FROM audit_log_entry WHERE domain_id = $1', [
        domainId,
      ]),
    ).toEqual([{ n: writer.acknowledged.length + 2 }])
    expect(await old.now(['archiver', '--once'])).toMatchObject({ code: 0 })
    await expectIntact()
  })

  it('that uses the library goes on across the migration', async () => {
    const { domainId } = await domainWith(1)
    const library: { createSink: typeof createSink } = await import(packageBefore().library)
    const sink = library.createSink({ databaseUrl: old.url, pepper: `file://${old.cli.keyFile}` })
    let isOver = false
    const placed: unknown[] = []
    const caller = async (name: number) => {
      for (let i = 0; !isOver; i += 1)
        placed.push(...(await sink.record({ ...entry(i), subjectId: `user:${name}`, domainIds: [domainId] })))
    }
    const callers = [caller(1), caller(2), caller(3), caller(4)]
    expect(await migrateNow()).toMatchObject({ code: 0 })
    const so = placed.length
    await expect.poll(() => placed.length).toBeGreaterThan(so + 50)
    isOver = true
    await Promise.all(callers)
    await sink.close()
    expect(
      await rowsOf(old.url, 'SELECT count(*)::int AS n FROM audit_log_entry WHERE domain_id = $1', [
        domainId,
      ]),
    ).toEqual([{ n: placed.length + 2 }])
    expect(await old.now(['archiver', '--once'])).toMatchObject({ code: 0 })
    await expectIntact()
  })
})

const entry = (i: number) => ({ relation: 'doc.read', object: `doc:${i}`, reason: 'granted' as const })

/** Creates a Domain and appends rows with the package before. */
async function domainWith(rows: number) {
  const [created] = (await old.done(old.before(['domain', 'create']))) as { domain_id: string }[]
  const domainId = created?.domain_id ?? ''
  const line = (i: number) => ({ ...entry(i), domain_id: domainId, subject_id: 'user:1' })
  const input = Array.from({ length: rows }, (_, i) => `${JSON.stringify(line(i))}\n`).join('')
  await old.done(old.before(['append', '--stdin'], { input }))
  return { domainId, line }
}
