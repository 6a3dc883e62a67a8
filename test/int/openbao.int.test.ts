import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OpenBaoPepper } from '../../src/pepper/openbao.js'
import { baoSettings } from '../../src/pepper/openbao-settings.js'
import { parsePepperUrl } from '../../src/pepper/pepper-url.js'
import { KvAdmin } from '../support/kv2-admin.js'
import { CA_FILE, type Fault, Kv2Server } from '../support/kv2-server.js'
import { DOMAIN } from '../support/pepper-contract.js'

const PEPPER = new Uint8Array(32).fill(9)
/** Four attempts within milliseconds. One attempt may take 300 ms. */
const PATIENCE = {
  timeout: 300,
  retries: 3,
  backOff: { first: 1, growth: 1, jitter: 0 },
  now: () => server.now * 1000,
}

let server: Kv2Server

beforeEach(async () => {
  server = await Kv2Server.start()
  await new KvAdmin(server.url(), server.rootToken).putPepper(DOMAIN, PEPPER)
  server.seen.length = 0
})
afterEach(() => server.close())

type Env = Record<string, string>
const token = () => ({ BAO_TOKEN: server.rootToken })
const approle = () => ({ BAO_ROLE_ID: server.roleId, BAO_SECRET_ID: server.secretId })

function pepperAt(url: string, env: Env): OpenBaoPepper {
  const place = parsePepperUrl(url)
  if (place.kind !== 'openbao') throw new Error('expected openbao://')
  return new OpenBaoPepper(place, baoSettings(env), PATIENCE)
}

const connect = (env: Env = token()) => pepperAt(server.url(), env)
const read = async (pepper: OpenBaoPepper) => [...new Set(await pepper.pepperOf(DOMAIN))]

async function failure(pepper: Promise<unknown>): Promise<string> {
  const error: unknown = await pepper.catch((e: unknown) => e)
  expect(error).toMatchObject({ name: 'AuditError', code: 'pepper_unavailable' })
  return String(error)
}

/** Makes the first `times` requests fail whose path has `part`. */
function failing(fault: Fault, times: number, part = '/data/'): void {
  let left = times
  server.fault = ({ path }) => (path.includes(part) && left-- > 0 ? fault : undefined)
}

describe('a request that fails', () => {
  const PASSING: Fault[] = ['cut', 'cut_after', 'half', 'hang', 500, 502, 503]

  it.each(PASSING)('is retried with %s', async (fault) => {
    failing(fault, 2)
    expect(await read(connect())).toEqual([9])
    expect(server.requests('/data/')).toBe(3)
  })

  it.each([
    ['cut', /cannot be reached \(ECONNRESET\)/],
    ['half', /cannot be reached \(ECONNRESET\)/],
    ['hang', /no answer within 300 ms/],
    [500, /it failed \(500\)/],
    [503, /sealed or in maintenance \(503\)/],
  ] as const)('ends after four attempts with %s every time', async (fault, says) => {
    failing(fault, 9)
    expect(await failure(read(connect()))).toMatch(says)
    expect(server.requests('/data/')).toBe(4)
  })

  it.each([
    [307, /standby that sends us to another node.*\(307\)/],
    [400, /refused the request \(400\)/],
    [403, /permission denied \(403\)/],
    [412, /not expected \(412\)/],
    [429, /limits the rate of requests, or is a standby.*\(429\)/],
    [473, /performance standby.*\(473\)/],
    ['garbage', /not in a KV store of version 2/],
    ['endless', /answer is longer than 65536 bytes/],
  ] as const)('is not retried with %s', async (fault, says) => {
    failing(fault, 9)
    const text = await failure(read(connect()))
    expect(text).toMatch(says)
    expect(text).not.toContain('some text of the server')
    expect(server.requests('/data/')).toBe(1)
  })

  it('succeeds when a sealed server is unsealed', async () => {
    server.sealed = true
    const pepper = connect()
    expect(await failure(read(pepper))).toMatch(/sealed/)
    server.sealed = false
    expect(await read(pepper)).toEqual([9])
  })

  it('reports a closed port as a server that cannot be reached', async () => {
    const gone = await Kv2Server.start()
    const url = gone.url()
    await gone.close()
    expect(await failure(read(pepperAt(url, token())))).toMatch(/cannot be reached \(ECONNREFUSED\)/)
  })
})

describe('TLS', () => {
  let secure: Kv2Server
  let dir: string
  beforeEach(async () => {
    secure = await Kv2Server.start({ tls: true })
    dir = await mkdtemp(join(tmpdir(), 'audit-ca-'))
    await new KvAdmin(secure.url(), secure.rootToken, CA_FILE).putPepper(DOMAIN, PEPPER)
    secure.seen.length = 0
  })
  afterEach(async () => {
    await secure.close()
    await rm(dir, { recursive: true })
  })

  const env = (caFile?: string): Env => ({
    BAO_TOKEN: secure.rootToken,
    ...(caFile && { BAO_CACERT: caFile }),
  })

  it('works with the CA file, over one connection', async () => {
    const pepper = pepperAt(secure.url(), env(CA_FILE))
    expect([await read(pepper), await read(pepper)]).toEqual([[9], [9]])
  })

  it.each([
    ['without the CA file', () => env(), 'localhost', /certificate or TLS is not accepted/],
    ['under another name', () => env(CA_FILE), '127.0.0.1', /not accepted \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
    ['with a CA file that is gone', () => env('/no/such.pem'), 'localhost', /CA file \/no\/such.pem.*ENOENT/],
    [
      'with a CA file that holds no certificate',
      () => {
        writeFileSync(join(dir, 'ca.pem'), 'hunter2')
        return env(join(dir, 'ca.pem'))
      },
      'localhost',
      /holds no PEM certificate/,
    ],
  ] as const)(
    'sends no token, whatever NODE_TLS_REJECT_UNAUTHORIZED says, for %s',
    async (_what, settings, host, says) => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
      try {
        expect(await failure(read(pepperAt(secure.url('audit', host), settings())))).toMatch(says)
      } finally {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      }
      expect(secure.seen).toEqual([])
    },
  )

  it('is not replaced by plain HTTP, nor plain HTTP by TLS', async () => {
    const plainToTls = secure.url().replace('openbao:', 'openbao+http:')
    await failure(read(pepperAt(plainToTls, env())))
    expect(await failure(read(pepperAt(server.url().replace('openbao+http:', 'openbao:'), token())))).toMatch(
      /certificate or TLS/,
    )
    expect([secure.seen, server.seen]).toEqual([[], []])
  })
})

describe('a token', () => {
  it('is neither retried nor shown when it is refused', async () => {
    const text = await failure(read(connect({ BAO_TOKEN: 'hvs.hunter2' })))
    expect(text).toMatch(/secret audit\/.* in secret: permission denied \(403\)/)
    expect(text).not.toContain('hunter2')
    expect(server.seen).toHaveLength(1)
  })

  it('is sent with its namespace', async () => {
    server.namespace = 'team-a'
    expect(await read(connect({ ...token(), BAO_NAMESPACE: 'team-a' }))).toEqual([9])
    expect(await failure(read(connect()))).toMatch(/there is no such secret/)
  })
})

describe('an AppRole', () => {
  const logins = () => server.requests('approle/login')
  const renewals = () => server.requests('renew-self')

  it('logs in once for concurrent callers', async () => {
    const pepper = connect(approle())
    await Promise.all(Array.from({ length: 10 }, () => read(pepper)))
    expect([logins(), server.requests('/data/')]).toEqual([1, 10])
  })

  it('renews its token in its last third, so that a SecretID for one login is enough', async () => {
    Object.assign(server.lease, { seconds: 300, secretIdUses: 1 })
    const pepper = connect(approle())
    await read(pepper)
    for (const [seconds, renewed] of [
      [199, 0],
      [2, 1],
      [198, 1],
      [2, 2],
      [299, 3],
    ] as const) {
      server.now += seconds
      expect(await read(pepper)).toEqual([9])
      expect([logins(), renewals()]).toEqual([1, renewed])
    }
  })

  it.each([
    ['cannot be renewed', 250, false],
    ['has expired', 301, true],
  ] as const)('logs in again when its token %s', async (_why, seconds, renewable) => {
    Object.assign(server.lease, { seconds: 300, renewable })
    const pepper = connect(approle())
    await read(pepper)
    server.now += seconds
    expect(await read(pepper)).toEqual([9])
    expect([logins(), renewals()]).toEqual([2, 0])
  })

  it('logs in again once when its token is refused', async () => {
    const pepper = connect(approle())
    await read(pepper)
    server.revokeAll()
    expect(await Promise.all([read(pepper), read(pepper), read(pepper)])).toEqual([[9], [9], [9]])
    expect(logins()).toBe(2)
    server.fault = ({ path }) => (path.includes('/data/') ? 403 : undefined)
    server.seen.length = 0
    expect(await failure(read(pepper))).toMatch(/permission denied/)
    expect([logins(), server.requests('/data/')]).toEqual([1, 2])
  })

  it('is reported without being shown when it is refused', async () => {
    const text = await failure(read(connect({ ...approle(), BAO_SECRET_ID: 'hunter2' })))
    expect(text).toMatch(/AppRole login: it refused the request \(400\)/)
    expect(text).not.toMatch(/hunter2|[0-9a-f]{8}-/)
    expect(logins()).toBe(1)
  })

  it.each(['garbage', 'cut', 503] as const)(
    'fails after a login with %s, and succeeds later',
    async (fault) => {
      failing(fault, 4, 'approle/login')
      const pepper = connect(approle())
      expect(await failure(read(pepper))).toMatch(/OpenBao at/)
      server.fault = () => undefined
      expect(await read(pepper)).toEqual([9])
    },
  )
})

describe('a created pepper', () => {
  const FRESH = '018f0000-0000-7000-8000-0000000000ff'

  it.each(['read and create', 'everything'] as const)(
    'is known to be ours when the answer was lost, with permission to %s',
    async (may) => {
      let left = 1
      server.fault = ({ method }) => (method === 'POST' && left-- > 0 ? 'cut_after' : undefined)
      const provisioner = connect({ BAO_TOKEN: server.tokenFor(may) })
      expect(await provisioner.create(FRESH, PEPPER)).toBe(true)
      expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(2)
    },
  )

  it('does not replace one that was created at the same time', async () => {
    const other = connect()
    let put: Promise<boolean> | undefined
    server.fault = ({ method }) => {
      if (method !== 'POST' || put !== undefined) return undefined
      put = other.create(FRESH, new Uint8Array(32).fill(1))
      return 'cut'
    }
    const [mine, theirs] = [await connect().create(FRESH, PEPPER), await put]
    const [stored] = await connect().pepperOf(FRESH)
    expect([mine, theirs, stored]).toEqual(mine ? [true, false, 9] : [false, true, 1])
  })

  it('is refused with a token that may only read', async () => {
    const pepper = connect({ BAO_TOKEN: server.tokenFor('read') })
    expect(await failure(pepper.create(FRESH, PEPPER))).toMatch(/permission denied/)
  })

  it('is created once with a token that may create and not update', async () => {
    const pepper = connect({ BAO_TOKEN: server.tokenFor('read and create') })
    expect([await pepper.create(FRESH, PEPPER), await pepper.create(FRESH, PEPPER)]).toEqual([true, false])
    await new KvAdmin(server.url(), server.rootToken).delete(FRESH)
    expect(await failure(pepper.create(FRESH, PEPPER))).toMatch(/newest version is deleted/)
  })

  it('is refused in KV version 1 before anything is overwritten', async () => {
    server.store.kvVersion = 1
    await new KvAdmin(server.url(), server.rootToken).putPepper(FRESH, PEPPER)
    server.seen.length = 0
    expect(await failure(connect().create(FRESH, PEPPER))).toMatch(/not in a KV store of version 2/)
    expect(await failure(connect().pepperOf(FRESH))).toMatch(/not in a KV store of version 2/)
    expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })
})

it('has no cursor key, and the advice names the key file', async () => {
  await expect(connect().cursorKey()).rejects.toMatchObject({
    code: 'pepper_not_configured',
    advice: { code: 'set_cursor_key_file' },
  })
})
