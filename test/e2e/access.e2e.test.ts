import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { type CliResult, finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { Issuer, token } from '../support/issuer.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { HAS_SPICEDB, SPICEDB_TOKEN, TestSpicedb } from '../support/spicedb.js'

let database: TestDatabase
let cli: CliDatabase
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

interface Serving {
  readonly child: ChildProcessWithoutNullStreams
  readonly url: string
  readonly ended: Promise<CliResult>
}

async function serve(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Serving> {
  const child = await spawnCli(['serve', '--port', '0', '--metrics-port', 'off', ...args], {
    env: { ...cli.env, ...env },
  })
  const ended = finished(child)
  const [url = ''] = await new Promise<string[]>((resolve) => {
    createInterface(child.stdout).once('line', (first) => resolve([first]))
    void ended.then(() => resolve([]))
  })
  return { child, url, ended }
}

const one = ({ stdout }: CliResult) =>
  jsonLines(stdout)[0] as Record<string, unknown> & { key: string; id: string }
const create = async (...args: string[]) =>
  one(await cli.run('key', 'create', '--domain', domainId, '--json', ...args))

function ask(url: string, operation: string, credential: string, method = 'GET'): Promise<Response> {
  const headers = { authorization: `Bearer ${credential}` }
  return fetch(`${url}/v1/domains/${domainId}/audit/${operation}`, { method, headers })
}

describe('audit serve', () => {
  it('serves an auditor until their key is revoked, and keeps the key out of its log', async () => {
    const { key, id } = await create('--relation', 'auditor', '--subject', 'user:audrey')
    const readOnly = await create('--relation', 'auditor', '--read-only', '--expires', '1h')
    const { child, url, ended } = await serve({})
    const answers = [
      await ask(url, 'entries?limit=2', key),
      await ask(url, 'entries/1', key),
      await ask(url, 'verify', key, 'POST'),
      await ask(url, 'verify', readOnly.key, 'POST'),
      await ask(url, 'entries', `${key}x`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 403, 401])
    expect(await answers[2]?.json()).toMatchObject({ ok: true, segment_from: 1 })
    const revoked = await cli.run('key', 'revoke', id, '--json')
    expect(one(revoked)).toMatchObject({ id, state: 'revoked', seq: expect.any(Number) })
    const again = await cli.run('key', 'revoke', id, '--json')
    expect(again.stderr).toBe('the key was revoked before\n')
    const { seq: _seq, entry_hash: _hash, ...unchanged } = one(revoked)
    expect(one(again)).toEqual(unchanged)
    expect((await ask(url, 'entries', key)).status).toBe(401)
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    expect(code).toBe(143)
    expect(stderr).not.toMatch(/audrey|ak_/)
  })

  it.skipIf(!HAS_SPICEDB)('asks SpiceDB and accepts JWTs when its flags say so', async () => {
    const [spicedb, issuer] = [await TestSpicedb.start(), await Issuer.make()]
    const { jwksUrl, issuer: iss, audience } = issuer.settings
    const jwt = await token((await issuer.addKey('one')).privateKey, { sub: 'eve' })
    const env = { AUDIT_SPICEDB_ENDPOINT: spicedb.endpoint, AUDIT_SPICEDB_TOKEN: SPICEDB_TOKEN }
    const args = ['--jwks-url', jwksUrl, '--jwt-issuer', iss, '--jwt-audience', audience]
    const { child, url, ended } = await serve(env, '--spicedb-insecure', ...args)
    expect((await ask(url, 'entries', jwt)).status).toBe(403)
    await spicedb.grant({ object: `domain:${domainId}`, relation: 'auditor', subject: 'user:eve' })
    expect((await ask(url, 'entries', jwt)).status).toBe(200)
    const made = await runCli(
      ['key', 'create', '--domain', domainId, '--relation', 'admin', '--subject', 'user:a.b'],
      {
        env: { ...cli.env, ...env },
      },
    )
    expect(made.stderr).toContain(`zed relationship touch domain:${domainId} admin user:a=2Eb`)
    expect((await cli.run('relation', 'list', '--all', '--subject', 'user:a.b', '--json')).stdout).toBe('')
    spicedb.close()
    expect((await ask(url, 'entries', jwt)).status).toBe(503)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(143)
    await issuer.close()
  })
})

describe('audit key and audit relation', () => {
  it('print the key once, list keys without it, and append self-audit rows to the chain', async () => {
    const grant = ['--domain', domainId, '--relation', 'owner', '--subject', 'user:olga', '--json']
    expect(one(await cli.run('relation', 'grant', ...grant))).toMatchObject({
      object: `domain:${domainId}`,
      relation: 'owner',
      subject: 'user:olga',
      changed: true,
      rows: [{ domain_id: domainId }],
    })
    expect(one(await cli.run('relation', 'grant', ...grant))).toMatchObject({ changed: false, rows: [] })
    const owned = ['--relation', 'owner', '--subject', 'user:olga', '--owner-only']
    const denied = await cli.run('key', 'create', '--domain', domainId, '--json', ...owned)
    expect([denied.code, denied.stdout]).toEqual([3, ''])
    expect(jsonLines(denied.stderr)).toMatchObject([{ error: { code: 'access_denied' } }])
    const made = await create(...owned, '--actor', 'user:olga')
    expect(made).toMatchObject({ key: expect.stringMatching(/^ak_/), owner_only: true, state: 'active' })
    const list = await cli.run('key', 'list', '--domain', domainId, '--subject', 'user:olga', '--json')
    const { key, seq: _seq, entry_hash: _hash, ...listed } = made
    expect(jsonLines(list.stdout)).toEqual([listed])
    expect(list.stdout).not.toContain(key.slice(20))
    const text = await cli.run('key', 'list', '--all')
    expect(text.stdout).toContain(made.id)
    const relations = await cli.run(
      'relation',
      'list',
      '--domain',
      domainId,
      '--subject',
      'user:olga',
      '--json',
    )
    expect(jsonLines(relations.stdout)).toMatchObject([{ relation: 'owner', subject: 'user:olga' }])
    expect(one(await cli.run('relation', 'revoke', ...grant))).toMatchObject({ changed: true })
    expect((await cli.run('relation', 'revoke', ...grant)).code).toBe(4)
    const chain = await cli.run('list', '--domain', domainId, '--all', '--json')
    const written = (jsonLines(chain.stdout) as { relation: string }[])
      .map(({ relation }) => relation)
      .slice(-3)
    expect(written).toEqual(['audit.relation-grant', 'audit.key-create', 'audit.relation-revoke'])
    expect((await cli.run('verify', '--all')).code).toBe(0)
  })

  it('are reported by an erasure, and stay valid after it', async () => {
    const domain = ['--domain', await cli.create()]
    const { id } = one(
      await cli.run('key', 'create', ...domain, '--relation', 'auditor', '--subject', 'user:carol', '--json'),
    )
    const erased = one(
      await cli.run('erase-identity', ...domain, '--subject', 'carol', '--confirm', '--json'),
    )
    const commands = (erased.remaining as { command: string }[]).map(({ command }) => command)
    expect(commands).toEqual([
      `audit key revoke ${id}`,
      `audit relation revoke ${domain.join(' ')} --relation auditor --subject user:carol`,
    ])
    for (const command of commands) expect((await cli.run(...command.split(' ').slice(1))).code).toBe(0)
    const again = await cli.run('erase-identity', ...domain, '--subject', 'carol', '--confirm', '--json')
    expect(one(again).remaining).toEqual([])
  })

  it.concurrent.each([
    [2, ['key', 'create', '--relation', 'auditor']],
    [2, ['key', 'create', '--platform', '--relation', 'root']],
    [2, ['key', 'create', '--platform', '--relation', 'auditor', '--subject', 'alice']],
    [2, ['key', 'create', '--platform', '--relation', 'auditor', '--expires', 'never']],
    [4, ['key', 'create', '--domain', '018f0000-0000-7000-8000-00000000dead', '--relation', 'auditor']],
    [2, ['key', 'revoke', 'ak_0123456789abcdef_secret']],
    [4, ['key', 'revoke', 'ak_0000000000000000']],
    [2, ['key', 'list']],
    [4, ['key', 'list', '--domain', '018f0000-0000-7000-8000-00000000dead']],
    [4, ['key', 'policy', '--domain', '018f0000-0000-7000-8000-00000000dead']],
    [4, ['relation', 'list', '--domain', '018f0000-0000-7000-8000-00000000dead']],
    [0, ['key', 'list', '--platform', '--json']],
    [0, ['key', 'policy', '--platform', '--json']],
    [2, ['relation', 'list']],
    [2, ['relation', 'list', '--all', '--spicedb-endpoint', 'localhost:1']],
    [2, ['relation', 'grant', '--group', 'g', '--relation', 'owner', '--subject', 'user:a']],
    [2, ['serve', '--jwks-url', 'https://issuer.example']],
    [2, ['serve', '--spicedb-endpoint', 'localhost:1']],
  ])('%i: audit %j', async (code, args) => {
    const result = await cli.run(...args)
    expect([result.code, result.stderr.includes('secret')]).toEqual([code, false])
  })
})
