import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { stampSql } from '../support/archive-stamps.js'
import { insertDomain } from '../support/chain-rows.js'
import { type CliResult, finished, jsonLines, spawnCli } from '../support/cli.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

let database: TestDatabase
let cli: CliDatabase
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
  const line = (n: number) => `{"subject_id":"alice","relation":"project.read","object":"project:${n}"}\n`
  const input = Array.from({ length: 40 }, (_, n) => line(n)).join('')
  const { code } = await cli.runWith(input, 'append', '--stdin', '--domain', domainId)
  expect(code).toBe(0)
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

/** Creates a chain and puts older rows in the place of its own: a stamp counts only if its row is older. */
async function oldChain(url: string, creator: CliDatabase): Promise<string> {
  const id = await creator.create()
  const ofChain = `WHERE domain_id = '${id}'`
  await asSuperuser(
    url,
    `DELETE FROM audit_log_entry ${ofChain}; DELETE FROM audit_log_chain_head ${ofChain}; DELETE FROM audit_domain ${ofChain}`,
  )
  await insertDomain(
    url,
    id,
    Array.from({ length: 5 }, () => ({})),
  )
  return id
}

class Server {
  private constructor(
    readonly child: ChildProcessWithoutNullStreams,
    readonly ended: Promise<CliResult>,
    readonly url: string,
    readonly metricsUrl: string,
  ) {}

  static async start(...args: string[]): Promise<Server> {
    return Server.startWith(args, cli)
  }

  static async startWith(args: readonly string[], { env }: Pick<CliDatabase, 'env'>): Promise<Server> {
    const metrics = args.includes('--metrics-port') ? [] : ['--metrics-port', '0']
    const flags = ['--port', '0', '--probe-every', '0.2s', ...metrics, '--json', ...args]
    const child = await spawnCli(['serve', ...flags], { env })
    const ended = finished(child)
    const line = await Promise.race([
      new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
      ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])
    const { url, metrics_url } = JSON.parse(line) as { url: string; metrics_url: string }
    return new Server(child, ended, url, metrics_url)
  }

  async readiness(): Promise<{ status: number; said: string; body: string }> {
    const answer = await fetch(`${this.url}/readyz`)
    const body = await answer.text()
    const { reason, status } = JSON.parse(body) as { reason?: string; status: string }
    return { status: answer.status, said: reason ?? status, body }
  }

  becomes(status: number, said: string): Promise<void> {
    return expect.poll(() => this.readiness(), WAIT).toMatchObject({ status, said })
  }

  /** Returns the value of one series, or undefined when it does not exist. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(this.metricsUrl)).text()
    const line = text.split('\n').find((one) => one.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length))
  }

  async end(signal: NodeJS.Signals): Promise<CliResult> {
    this.child.kill(signal)
    return this.ended
  }
}

const WAIT = { timeout: 30_000, interval: 50 }

/** Edits a row as a hostile administrator does, with triggers off. */
const edit = (seq: number, sql: string, chain = domainId) =>
  asSuperuser(database.url, `UPDATE audit_log_entry SET ${sql} WHERE domain_id = '${chain}' AND seq = ${seq}`)

const lastRecord = async () => {
  const [row] = await rowsOf(database.url, 'SELECT max(id)::int AS id FROM audit_tamper_quarantine')
  return String(row?.id)
}

describe('/readyz', () => {
  it('becomes diverged when a row far below the verified head is edited, and degraded after the acknowledgement', async () => {
    const server = await Server.start('--full-every', '1s')
    await server.becomes(200, 'ready')
    await edit(5, "relation = 'project.delete'")
    await server.becomes(503, 'diverged')
    const { body } = await server.readiness()
    expect(body).not.toMatch(new RegExp(`${domainId}|[^0-9]5[^0-9]`))
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(await server.metric('audit_integrity_state{state="diverged"}')).toBe(1)
    const open = 'audit_quarantine_findings{code="entry_hash_mismatch",acknowledged="false"}'
    // The state turns before the finding is in the quarantine.
    await expect.poll(() => server.metric(open), WAIT).toBe(1)

    const reason = ['--reason', 'drill']
    expect((await cli.run('quarantine', 'acknowledge', await lastRecord(), ...reason)).code).toBe(0)
    await server.becomes(200, 'degraded')
    expect(await server.metric(open)).toBeUndefined()

    const { code, stderr } = await server.end('SIGTERM')
    expect(code).toBe(143)
    const said = jsonLines(stderr).filter((line) => (line as { message: string }).message !== 'answered')
    expect(said).toMatchObject([
      { level: 'info', message: 'chains verified', chains: 2, rows: 43 },
      { level: 'error', message: 'tamper detected', domain_id: domainId, findings: 1 },
      { level: 'info', message: 'draining' },
    ])
  })

  it('does not change for a chain that is signed late; the metrics show it', async () => {
    const own = await testDatabase()
    const owned = new CliDatabase(own.url)
    const late = await oldChain(own.url, owned)
    const log = await SignedLog.open({ url: own.url })
    await log.sign({ domainIds: [late], sizes: { [late]: 2 }, row: false, keep: false })
    await log.close()
    const at = "now() - interval '1 hour'"
    await rowsOf(own.url, stampSql(`domain_id = '${late}' AND seq < 5`, { at }))
    const server = await Server.startWith(['--full-every', '1h'], owned)
    await expect.poll(() => server.metric('audit_signer_refused'), WAIT).toBe(1)
    expect(await server.metric(`audit_signed_seq{domain_id="${late}"}`)).toBe(2)
    expect(await server.metric(`audit_unsigned_rows{domain_id="${late}"}`)).toBe(2)
    expect(await server.metric(`audit_signed_age_seconds{domain_id="${late}"}`)).toBeLessThan(600)
    await server.becomes(200, 'ready')
    await server.end('SIGTERM')
    owned.remove()
    await own.drop()
  })

  it('becomes diverged when another process finds a divergence, takes in new chains, and continues after a restart', async () => {
    const server = await Server.start('--full-every', '1h')
    await server.becomes(200, 'degraded')
    const fresh = await cli.create()
    const verified = `audit_chain_verified_seq{domain_id="${fresh}"}`
    await expect.poll(() => server.metric(verified), WAIT).toBe(1)
    expect((await server.readiness()).status).toBe(200)

    await edit(9, "relation = 'project.delete'")
    expect((await cli.run('verify', '--domain', domainId)).code).toBe(1)
    await server.becomes(503, 'diverged')
    expect((await cli.run('quarantine', 'acknowledge', await lastRecord(), '--reason', 'drill')).code).toBe(0)
    await server.becomes(200, 'degraded')
    await server.end('SIGKILL')

    // A chain that cannot be checked is no divergence, and stops the first pass from ending.
    await asSuperuser(
      database.url,
      'ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_generation_known',
    )
    await edit(1, 'generation = 2', fresh)
    const rows = (one: Server) => one.metric('audit_probe_rows_total{pass="boot"}')
    const second = await Server.start('--full-every', '1h')
    await second.becomes(503, 'stalled')
    const kept = () => rowsOf(database.url, 'SELECT FROM audit_reconcile WHERE boot_seq > 0')
    await expect.poll(kept, WAIT).toHaveLength(2)
    expect(await rows(second)).toBeGreaterThan(40)
    await second.end('SIGKILL')

    const third = await Server.start('--full-every', '1h')
    await third.becomes(503, 'stalled')
    await expect.poll(() => third.metric('audit_chains_unchecked'), WAIT).toBe(1)
    await edit(1, 'generation = 1', fresh)
    await third.becomes(200, 'degraded')
    // The last rows of the two other chains are read again, and the one row of the chain that could not be checked.
    expect(await rows(third)).toBe(3)
    // A row with the largest possible seq: the gap before it is one finding, and is found quickly.
    await asSuperuser(
      database.url,
      `CREATE TEMP TABLE one AS SELECT * FROM audit_log_entry WHERE domain_id = '${fresh}' AND seq = 1;
       UPDATE one SET seq = 9007199254740991, prev_hash = sha256('x');
       INSERT INTO audit_log_entry SELECT * FROM one`,
    )
    await third.becomes(503, 'diverged')
    // The state changes before the finding is recorded.
    const gap = () =>
      rowsOf(
        database.url,
        `SELECT seq_from::int, seq_to::text FROM audit_tamper_quarantine WHERE code = 'seq_gap'`,
      )
    await expect.poll(gap, WAIT).toEqual([{ seq_from: 2, seq_to: '9007199254740990' }])
    expect((await third.end('SIGTERM')).code).toBe(143)
  })
})

describe('the metrics', () => {
  it('have a listener of their own, and the server does not start when the port is taken', async () => {
    const server = await Server.start()
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    const series = 'audit_http_requests_total{route="other",method="other",status="404"}'
    expect(await server.metric(series)).toBe(1)
    expect(server.metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    const port = new URL(server.metricsUrl).port
    await expect(Server.start('--metrics-port', port)).rejects.toThrow('listen_failed')
    expect((await server.end('SIGTERM')).code).toBe(143)
  })
})
