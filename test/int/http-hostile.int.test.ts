import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { HttpFixture } from '../support/http-fixture.js'

/** Every field of a row of a Domain that no caller here may read contains this text. */
const SECRET = 'other-tenant-secret'

let fixture: HttpFixture
let port: number
let other: string

beforeAll(async () => {
  fixture = await HttpFixture.make({ rows: 3 })
  other = await fixture.writer.create()
  await fixture.writer.record(other, { relation: SECRET, object: `vault:${SECRET}`, correlation_id: SECRET })
  port = Number(new URL(await fixture.url()).port)
})

afterAll(() => fixture.close())

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    "' OR 1=1 --",
    "'; DROP TABLE audit_log_entry; --",
    '../../../etc/passwd',
    '%00',
    '%',
    '%ff%fe',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    '[]',
    'a[b]=c',
    '-1',
    '1e309',
    '9'.repeat(400),
    '{{7*7}}',
    '$(id)',
  ),
)
const NAMES = [
  'cursor',
  'limit',
  'subject',
  'relation',
  'object_type',
  'object_id',
  'reason',
  'from',
  'to',
  'correlation_id',
]

const encoded = (text: string) => encodeURIComponent(text.toWellFormed())

const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), hostile), hostile), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&'))

const segment = fc.oneof(
  hostile.map(encoded),
  hostile.map((text) => text.replaceAll(/[^\x21-\x7e]|[?#/]/g, '')),
  fc.constantFrom('v1', 'domains', 'platform', 'audit', 'entries', 'verify', '1'),
)

const path = fc.oneof(
  fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`),
  hostile.map((id) => `/v1/domains/${encoded(id)}/audit/entries`),
  hostile.map((seq) => `${fixture.path('entries')}/${encoded(seq)}`),
  fc
    .constantFrom('entries', 'entries/1', 'verify', 'erase-identity')
    .map((operation) => fixture.path(operation)),
  fc.constantFrom('entries', 'entries/1', 'verify').map((operation) => fixture.path(operation, other)),
)

const headers = fc.dictionary(
  fc.constantFrom(
    'authorization',
    'content-type',
    'x-forwarded-for',
    'x-correlation-id',
    'accept',
    'content-encoding',
    'expect',
  ),
  fc.oneof(
    fc.string({ maxLength: 40 }).filter((text) => /^[\x20-\x7e]*$/.test(text)),
    fc.constantFrom('application/json', 'Bearer auditor', 'Bearer member', 'gzip'),
  ),
)

const body = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.record({ from_seq: fc.anything(), to_seq: fc.anything() }).map((value) => JSON.stringify(value) ?? ''),
  fc.constantFrom('{"from_seq":1}', '['.repeat(4000), '{"__proto__":{}}', '{"constructor":1}'),
)

function judge(statusCode: number, text: string): void {
  expect(statusCode).toBeLessThan(500)
  expect(text).not.toMatch(/\n\s+at |node_modules|\.js:\d|\.ts:\d|SELECT|syntax error/)
  expect(text).not.toContain(SECRET)
}

describe('any request', () => {
  const runs = { numRuns: 400 }

  it('never gets a 5xx, a stack trace or data of another tenant', async () => {
    await fc.assert(
      fc.asyncProperty(path, query, headers, async (url, search, extra) => {
        const answer = await fixture.ask('GET', `${url}?${search}`, { headers: extra })
        judge(answer.statusCode, answer.body)
      }),
      runs,
    )
  })

  it('never gets them with a body either', async () => {
    await fc.assert(
      fc.asyncProperty(path, headers, body, async (url, extra, payload) => {
        const answer = await fixture.ask('POST', url, {
          body: payload,
          headers: { 'content-type': 'application/json', ...extra },
        })
        // Send no content-length: inject sends a complete body.
        judge(answer.statusCode, answer.body)
      }),
      runs,
    )
  })

  it('never runs as SQL: filters are only compared', async () => {
    for (const name of ['relation', 'object_type', 'object_id', 'correlation_id']) {
      const url = `${fixture.path('entries')}?${name}=${encoded("' OR '1'='1")}`
      const answer = await fixture.ask('GET', url)
      expect(answer.json().items).toEqual([])
    }
  })

  it('is logged without its query, headers and caller', async () => {
    fixture.lines.splice(0)
    const headers = { 'user-agent': 'agent-of-somebody', 'x-forwarded-for': '203.0.113.9' }
    await fixture.ask('GET', `${fixture.path('entries')}?subject=${'ab'.repeat(32)}&relation=r`, { headers })
    await fixture.ask('GET', `/v1/domains/somebody@example.com/audit/entries`, { headers })
    await fixture.ask('GET', fixture.path('entries'), { as: 'stolen-credential', headers })
    const text = JSON.stringify(fixture.lines)
    expect(fixture.lines).toHaveLength(3)
    expect(text).not.toMatch(/agent-of|203\.0|abab|somebody|stolen|auditor|relation=|127\.0/)
  })
})

/** Sends bytes on a raw connection and returns what comes back, until the connection closes or `until` has arrived. */
async function raw(send: string | Buffer, until = /$^/): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  socket.write(send)
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk
      if (until.test(text)) socket.destroy()
    })
    socket.on('close', () => resolve(text))
  })
}

const HOST = 'Host: x\r\nAuthorization: Bearer auditor\r\n'

describe('the server, given bytes on a connection,', () => {
  it.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01garbage\r\n\r\n'],
    [
      'a length and chunks at once',
      `POST /v1/platform/audit/verify HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'two lengths',
      `POST /v1/platform/audit/verify HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 5\r\n\r\n`,
    ],
    [
      'a hidden encoding',
      `POST /v1/platform/audit/verify HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n`,
    ],
    ['a space before the colon', `GET /healthz HTTP/1.1\r\n${HOST}X : y\r\n\r\n`],
    ['a NUL in a header', `GET /healthz HTTP/1.1\r\n${HOST}X: \0\r\n\r\n`],
    ['a bare CR', `GET /healthz HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n'],
    ['two Hosts', `GET /healthz HTTP/1.1\r\n${HOST}Host: y\r\n\r\n`],
  ])('answers 400 and closes the connection: %s', async (_, bytes) => {
    const answer = await raw(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
  })

  it('answers 431 for endless headers', async () => {
    expect(await raw(`GET /healthz HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
  })

  it('answers 401 for two credentials', async () => {
    const bytes = `GET ${fixture.path('entries')} HTTP/1.1\r\n${HOST}Authorization: Bearer owner\r\nConnection: close\r\n\r\n`
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('closes only the connection whose valid request is followed by garbage', async () => {
    const answers = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\0\0\0garbage\r\n\r\n`)
    expect(answers).toMatch(/^HTTP\/1\.1 (200|400) /)
    expect((await fetch(`${await fixture.url()}/healthz`)).status).toBe(200)
  })

  it('answers pipelined requests in order', async () => {
    const one = `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`
    const last = `GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    const answers = await raw(one.repeat(50) + last)
    expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(51)
  })
})

describe('pipelined requests', () => {
  const one = `GET /v1/platform/audit/entries HTTP/1.1\r\n${HOST}\r\n`

  it('are handled one after another', async () => {
    const { access } = fixture
    const authenticate = access.authenticate.bind(access)
    let [now, most] = [0, 0]
    const spy = vi.spyOn(access, 'authenticate').mockImplementation(async (bearer) => {
      now += 1
      most = Math.max(most, now)
      await sleep(5)
      now -= 1
      return authenticate(bearer)
    })
    const last = `GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    const answers = await raw(one.repeat(10) + last)
    spy.mockRestore()
    expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(11)
    expect(most).toBe(1)
  })

  it('close their connection when there are too many, and leave nothing behind', async () => {
    const spy = vi.spyOn(fixture.access, 'authenticate')
    const answers = await Promise.all(Array.from({ length: 20 }, () => raw(one.repeat(5_000))))
    expect(spy.mock.calls.length).toBeLessThan(20 * 200)
    spy.mockRestore()
    expect(answers.join('').match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThan(20 * 200)
    expect((await fetch(`${await fixture.url()}/healthz`)).status).toBe(200)
  })
})

it('answers requests that arrive on a connection while the server drains', async () => {
  const draining = await HttpFixture.make()
  port = Number(new URL(await draining.url()).port)
  const authenticate = draining.access.authenticate.bind(draining.access)
  let drained: Promise<void> | undefined
  vi.spyOn(draining.access, 'authenticate').mockImplementation(async (bearer) => {
    drained ??= draining.drain(5_000)
    await sleep(50)
    return authenticate(bearer)
  })
  const one = `GET ${draining.path('entries')} HTTP/1.1\r\n${HOST}\r\n`
  const answers = await raw(one.repeat(3))
  await drained
  await draining.close()
  port = Number(new URL(await fixture.url()).port)
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
  expect(answers).toMatch(/connection: close/i)
})

describe('a body of a gigabyte', () => {
  const CHUNK = Buffer.alloc(64 * 1024, 0x20)

  /** Sends until the server closes the connection. Returns how much was sent, and the answer. */
  async function flood(
    head: string,
    frame: (chunk: Buffer) => Buffer,
  ): Promise<{ sent: number; text: string }> {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let isOpen = true
    let makeRoom: () => void = () => undefined
    socket.on('error', () => undefined)
    socket.on('drain', () => makeRoom())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('close', () => {
      isOpen = false
      makeRoom()
    })
    socket.write(head)
    let sent = 0
    while (isOpen && sent < 1_000_000_000) {
      sent += CHUNK.length
      const room = new Promise<void>((resolve) => {
        makeRoom = resolve
      })
      if (!socket.write(frame(CHUNK))) await room
    }
    socket.destroy()
    return { sent, text }
  }

  const framed = (chunk: Buffer) =>
    Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])

  it.each([
    ['with a length', 413, 'Bearer auditor', 'Content-Length: 1000000000', (chunk: Buffer) => chunk],
    ['in chunks', 413, 'Bearer auditor', 'Transfer-Encoding: chunked', framed],
    ['of an unknown caller', 401, 'Bearer stranger', 'Content-Length: 1000000000', (chunk: Buffer) => chunk],
  ] as const)(
    'refuses %s with %i and does not receive it',
    async (_, status, authorization, length, frame) => {
      const head = `POST ${fixture.path('verify')} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`
      const { sent, text } = await flood(head, frame)
      // The answer can be lost: the connection is reset while the client still sends.
      if (text !== '') expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(sent).toBeLessThan(64 * 1024 * 1024)
    },
  )
})

describe('slow clients', () => {
  it('delay no other client, and lose their connections', async () => {
    const { server } = fixture.app
    const before = server.headersTimeout
    server.headersTimeout = 300
    const slow: Socket[] = []
    let closed = 0
    for (let i = 0; i < 300; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.on('close', () => {
        closed += 1
      })
      socket.resume()
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow:')
      slow.push(socket)
    }
    expect((await fetch(`${await fixture.url()}/healthz`)).status).toBe(200)
    await expect.poll(() => closed, { timeout: 20_000, interval: 100 }).toBe(300)
    server.headersTimeout = before
    for (const socket of slow) socket.destroy()
  })

  it('are refused beyond the limit of connections', async () => {
    const { server } = fixture.app
    const before = server.maxConnections
    server.maxConnections = 1
    const first = connect(port, '127.0.0.1')
    await once(first, 'connect')
    const refused = connect(port, '127.0.0.1')
    refused.on('error', () => undefined)
    await once(refused.resume(), 'close')
    first.destroy()
    server.maxConnections = before
    expect((await fetch(`${await fixture.url()}/healthz`)).status).toBe(200)
  })
})
