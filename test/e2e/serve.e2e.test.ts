import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { type CliResult, finished, jsonLines, ROOT, spawnCli } from '../support/cli.js'
import { type FixtureCli, fixtureCli } from '../support/fixture-cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let cli: CliDatabase
let fixture: FixtureCli
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  fixture = await fixtureCli(join(ROOT, 'test/fixtures/serve/commands'))
  const created = await cli.run('domain', 'create', '--json')
  domainId = (jsonLines(created.stdout)[0] as { domain_id: string }).domain_id
})

afterAll(async () => {
  fixture.remove()
  await database.drop()
})

interface Serving {
  readonly child: ChildProcessWithoutNullStreams
  readonly url: string
  readonly ended: Promise<CliResult>
}

async function serve(...args: string[]): Promise<Serving> {
  const child = await spawnCli(['serve', ...args], { env: cli.env, bin: fixture.bin })
  const ended = finished(child)
  const [line = ''] = await new Promise<string[]>((resolve) => {
    createInterface(child.stdout).once('line', (first) => resolve([first]))
    void ended.then(() => resolve([]))
  })
  return { child, ended, url: line.startsWith('{') ? JSON.parse(line).url : line }
}

const AS = (name: string) => ({ headers: { authorization: `Bearer ${name}` } })
const entries = (url: string) => `${url}/v1/domains/${domainId}/audit/entries`

it.each([
  ['a port out of range', ['--port', '65536']],
  ['a certificate without its key', ['--tls-cert', 'cert.pem']],
  ['a proxy by its name', ['--trusted-proxy', 'proxy.example']],
  ['no verifies at all', ['--max-verifies', '0']],
])('refuses in audit serve %s', async (_, flags) => {
  expect(await cli.run('serve', ...flags)).toMatchObject({ code: 2, stdout: '' })
})

describe('a server', () => {
  it('prints its URL, logs one line per answer, and ends with 143 on SIGTERM', async () => {
    const { child, url, ended } = await serve()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const page = await fetch(entries(url), AS('auditor'))
    expect([page.status, await page.json()]).toMatchObject([200, { items: [{ seq: 1 }] }])
    const denied = await fetch(entries(url), AS('outsider'))
    const { correlation_id } = (await denied.json()) as { correlation_id: string }
    child.kill('SIGTERM')
    const { code, stderr, stdout } = await ended
    expect([code, stdout]).toEqual([143, `${url}\n`])
    const lines = jsonLines(stderr) as { message: string }[]
    expect(lines.filter(({ message }) => message !== 'chains verified')).toMatchObject([
      { level: 'info', message: 'answered', operation: 'ListAuditEntries', status: 200, domain_id: domainId },
      { level: 'info', message: 'answered', status: 403, correlation_id },
      { level: 'info', message: 'draining' },
    ])
    // The denial just before the end is on the chain.
    const rows = await rowsOf(database.url, 'SELECT object FROM audit_log_entry WHERE correlation_id = $1', [
      correlation_id,
    ])
    expect(rows).toEqual([{ object: `audit-archive:${domainId}` }])
  })

  it('ends with 130 on SIGINT, and prints its URL as JSON', async () => {
    const { child, url, ended } = await serve('--json')
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130, stdout: `{"url":"${url}"}\n` })
  })

  it('speaks TLS', async () => {
    const [cert, key] = ['cert', 'key'].map((name) => join(ROOT, `test/fixtures/tls/${name}.pem`))
    const { child, url, ended } = await serve('--tls-cert', cert ?? '', '--tls-key', key ?? '')
    expect(url).toMatch(/^https:/)
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      request(`${url}/healthz`, { ca: readFileSync(cert ?? '') }, (answer) =>
        resolve(answer.resume().headers),
      )
        .on('error', reject)
        .end()
    })
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    child.kill('SIGTERM')
    expect((await ended).code).toBe(143)
  })

  it('closes connections without a TLS handshake, and does not wait for them when it stops', async () => {
    const [cert, key] = ['cert', 'key'].map((name) => join(ROOT, `test/fixtures/tls/${name}.pem`))
    const { child, url, ended } = await serve('--tls-cert', cert ?? '', '--tls-key', key ?? '')
    const silent = () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').resume()
      socket.on('error', () => undefined)
      return { socket, closed: once(socket, 'close') }
    }
    const plain = silent()
    plain.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await plain.closed
    await silent().closed
    const last = silent()
    await once(last.socket, 'connect')
    const begun = performance.now()
    child.kill('SIGTERM')
    await last.closed
    expect((await ended).code).toBe(143)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  it('ends with 2 when certificate and key are not PEM', async () => {
    const { ended } = await serve('--tls-cert', join(ROOT, 'README.md'), '--tls-key', join(ROOT, 'README.md'))
    expect(await ended).toMatchObject({ code: 2, stdout: '' })
  })

  it.each(['--port', '--metrics-port'])(
    'ends with 3 when the port of %s is taken, and names it',
    async (flag) => {
      const other = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => other.once('listening', resolve))
      const { port } = other.address() as AddressInfo
      const { ended } = await serve(flag, String(port), '--json')
      const { code, stdout, stderr } = await ended
      other.close()
      expect([code, stdout]).toEqual([3, ''])
      const message = `cannot listen on 127.0.0.1:${port} (${flag}): the port is in use`
      expect(jsonLines(stderr)).toMatchObject([{ error: { code: 'listen_failed', message } }])
    },
  )
})

describe('a verify that runs when the server stops', () => {
  async function whileLocked<T>(use: () => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      await client.query('BEGIN; LOCK TABLE audit_log_entry IN ACCESS EXCLUSIVE MODE')
      return await use()
    } finally {
      await client.end()
    }
  }

  /** Starts a server and waits until its own verification is done. */
  async function ready(): Promise<Serving> {
    const server = await serve()
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 20_000 }).toBe(200)
    return server
  }

  const waits = async () =>
    (
      await rowsOf(
        database.url,
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
    ).length

  const verify = (url: string) =>
    fetch(`${url}/v1/domains/${domainId}/audit/verify`, { method: 'POST', ...AS('auditor') })

  it('is answered, while new connections are refused', async () => {
    const { child, url, ended } = await ready()
    const { answer } = await whileLocked(async () => {
      const answer = verify(url)
      await expect.poll(waits).toBe(1)
      child.kill('SIGTERM')
      await expect
        .poll(() =>
          fetch(`${url}/healthz`).then(
            ({ status }) => status,
            () => 'refused',
          ),
        )
        .toBe('refused')
      return { answer }
    })
    expect([(await answer).status, (await ended).code]).toEqual([200, 143])
  })

  it('is cut off by a second signal', async () => {
    const { child, url, ended } = await ready()
    const code = await whileLocked(async () => {
      const answer = verify(url).catch(() => 'cut')
      await expect.poll(waits).toBe(1)
      child.kill('SIGTERM')
      await expect
        .poll(() =>
          fetch(`${url}/healthz`).then(
            ({ status }) => status,
            () => 'refused',
          ),
        )
        .toBe('refused')
      child.kill('SIGTERM')
      expect(await answer).toBe('cut')
      return (await ended).code
    })
    expect(code).toBe(143)
  })
})
