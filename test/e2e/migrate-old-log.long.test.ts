import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { finished, spawnCli } from '../support/cli.js'
import { OldDatabase, SOURCES, verifyAll } from '../support/old-database.js'
import { rowsOf, type TestCluster, testCluster } from '../support/postgres.js'

const STAMPED =
  'SELECT domain_id, seq::int, archived_at, archive_etag FROM audit_log_entry WHERE archived_at IS NOT NULL ORDER BY 1, 2'
const STAMPS = 'SELECT domain_id, seq::int, archived_at, archive_etag FROM audit_archive_stamp ORDER BY 1, 2'

/** How far each chain is archived without a gap, by its rows. */
const ARCHIVED_TO = `SELECT domain_id, seq::int FROM (
    SELECT domain_id, coalesce(min(seq) FILTER (WHERE archived_at IS NULL) - 1, max(seq)) AS seq FROM audit_log_entry GROUP BY 1
  ) AS c WHERE seq > 0 ORDER BY 1`
const WATERMARKS = 'SELECT domain_id, seq::int FROM audit_archive_watermark ORDER BY 1'

/** Appends to chains with the package before; the lines are in a file, because they are many. */
async function append(old: OldDatabase, domainIds: readonly string[], rows: number): Promise<void> {
  const lines = Array.from({ length: rows }, (_, i) =>
    JSON.stringify({
      domain_id: domainIds[i % domainIds.length],
      subject_id: `user:${i % 97}`,
      relation: 'doc.read',
      object: `doc:${i}`,
      reason: 'granted',
    }),
  )
  const file = join(old.dir, 'lines')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const { code, stderr } = await old.before(['append', '--stdin', '--quiet'], {
    input: `${lines.join('\n')}\n`,
  })
  expect([code, stderr]).toEqual([0, ''])
}

describe('a log of 100,000 rows, half of them archived', () => {
  it('has the same heads, stamps and reports after the migration', async () => {
    const old = await OldDatabase.make()
    const domainIds: string[] = []
    for (let i = 0; i < 3; i += 1)
      domainIds.push(
        ...((await old.done(old.before(['domain', 'create']))) as { domain_id: string }[]).map(
          (d) => d.domain_id,
        ),
      )
    await append(old, domainIds.slice(0, 2), 50_000)
    await old.done(old.before(['archiver', '--once']))
    await append(old, domainIds.slice(1), 50_000)
    const before = {
      heads: await old.heads(),
      stamps: await rowsOf(old.url, STAMPED),
      to: await rowsOf(old.url, ARCHIVED_TO),
    }
    expect(before.stamps.length).toBeGreaterThan(50_000)
    const reports = new Map<string, unknown>()
    for (const source of SOURCES) reports.set(source, await verifyAll((args) => old.before(args), source))

    expect(await old.now(['db', 'migrate'])).toMatchObject({ code: 0, stderr: '' })
    expect(await old.heads()).toEqual(before.heads)
    expect(await rowsOf(old.url, STAMPS)).toEqual(before.stamps)
    expect(await rowsOf(old.url, WATERMARKS)).toEqual(before.to)
    for (const source of SOURCES) {
      const after = await verifyAll((args) => old.now(args), source)
      expect(after).toMatchObject({ code: 0, errors: [] })
      expect(after).toEqual(reports.get(source))
    }
    await old.drop()
  })
})

describe('a migration that dies in the middle', () => {
  // The server is one of its own, because a backend that is killed takes the whole server with it.
  let cluster: TestCluster
  let old: OldDatabase

  beforeEach(async () => {
    cluster = await testCluster()
    const drop = () => cluster.stop('immediate')
    old = await OldDatabase.make({ url: cluster.url, superuserUrl: cluster.url, drop })
    await old.domain(50)
    await old.done(old.before(['archiver', '--once']))
  })
  afterEach(() => old?.drop())

  /** Holds what the migration changes at its end, after it has moved the stamps and dropped the columns. */
  async function holdEnd() {
    const client = new pg.Client({ connectionString: old.url })
    client.on('error', () => undefined)
    await client.connect()
    await client.query('BEGIN; ALTER FUNCTION audit_grant_log() COST 101')
    return client
  }

  const WAITING = `SELECT pid FROM pg_stat_activity WHERE application_name = 'audit' AND wait_event_type = 'Lock'
    AND query LIKE '%CREATE TABLE audit_archive_stamp%'`
  const waiting = async () => (await rowsOf(old.url, WAITING)).map(({ pid }) => Number(pid))

  const DEATHS = {
    'its process is killed': async (child) => void child.kill('SIGKILL'),
    'its session is terminated': async () =>
      void (await rowsOf(old.url, `SELECT pg_terminate_backend(pid) FROM (${WAITING}) w`)),
    'its backend is killed': async () => {
      for (const pid of await waiting()) process.kill(pid, 'SIGKILL')
    },
    'the server crashes': async () => {
      await cluster.stop('immediate')
      await cluster.start()
    },
  } satisfies Record<string, (child: { kill(signal: 'SIGKILL'): boolean }) => Promise<void>>

  it.each(Object.entries(DEATHS))('leaves the old schema when %s', async (_how, die) => {
    const rows = await rowsOf(old.url, STAMPED)
    const holder = await holdEnd()
    const child = await spawnCli(['db', 'migrate'], { env: old.env })
    const ended = finished(child)
    await expect.poll(waiting).toHaveLength(1)
    await die(child)
    expect((await ended).code).not.toBe(0)
    await holder.end().catch(() => undefined)
    const isUp = () => rowsOf(old.url, 'SELECT').catch(() => [])
    await expect.poll(isUp).toHaveLength(1)
    await expect.poll(waiting).toEqual([])

    const [status] = (await old.done(old.before(['db', 'status']))) as { schema: object }[]
    expect(status?.schema).toMatchObject({
      version: 14,
      pending: [],
      guards: { missing: [], altered: [], added: [] },
    })
    expect(await rowsOf(old.url, STAMPED)).toEqual(rows)
    const [created] = (await old.done(old.before(['domain', 'create']))) as { domain_id: string }[]
    await append(old, [created?.domain_id ?? ''], 3)
    await old.done(old.before(['archiver', '--once']))
    const stamps = await rowsOf(old.url, STAMPED)
    expect(await old.now(['db', 'migrate'])).toMatchObject({ code: 0 })
    expect(await rowsOf(old.url, STAMPS)).toEqual(stamps)
    expect(await old.now(['verify', '--domain', created?.domain_id ?? '', '--source', 'both'])).toMatchObject(
      { code: 0 },
    )
  })
})
