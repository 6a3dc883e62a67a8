import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpFixture } from '../support/http-fixture.js'

/** Requests as generated clients and plain tools send them, over real connections. */
let fixture: HttpFixture
let origin: string

beforeAll(async () => {
  fixture = await HttpFixture.make({ rows: 4, deps: { denials: { add: () => undefined } } })
  origin = await fixture.url()
})

afterAll(() => fixture.close())

interface Sent {
  readonly method?: string
  readonly as?: string
  /** Pairs of name and value, sent in this order. A name may repeat. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  readonly chunked?: true
}

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

function send(
  target: string,
  { method = 'GET', as = 'auditor', headers = [], body, chunked }: Sent,
): Promise<Got> {
  const { host, hostname, port } = new URL(origin)
  const length = body === undefined || chunked ? [] : ['content-length', String(Buffer.byteLength(body))]
  const transfer = chunked ? ['transfer-encoding', 'chunked'] : []
  const all = ['host', host, 'authorization', `Bearer ${as}`, ...headers.flat(), ...length, ...transfer]
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: target, method, headers: all }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers, body: Buffer.concat(chunks).toString() })
    })
    request.on('error', reject)
    request.end(body)
  })
}

const typed = (type: string) => ['content-type', type] as const
const JSON_TYPE = typed('application/json')

describe('a verify of the whole chain', () => {
  it.each<[string, Sent]>([
    ['no body and no type', {}],
    ['a length of 0', { body: '' }],
    ['a length of 0 and a type (openapi-generator for Python)', { body: '', headers: [JSON_TYPE] }],
    ['a type and no body', { headers: [JSON_TYPE] }],
    ['an empty chunked body', { body: '', chunked: true, headers: [JSON_TYPE] }],
    ['the bytes null (openapi-generator for Go)', { body: 'null', headers: [JSON_TYPE] }],
    ['null and a line feed (json.Encoder of Go)', { body: 'null\n', headers: [JSON_TYPE] }],
    ['null in a chunked body', { body: 'null', chunked: true, headers: [JSON_TYPE] }],
    ['{} (oapi-codegen)', { body: '{}', headers: [JSON_TYPE] }],
    ['{} and a line feed', { body: '{}\n', headers: [JSON_TYPE] }],
    ['members that are null', { body: '{"from_seq":null,"to_seq":null}', headers: [JSON_TYPE] }],
    ['one member that is null', { body: '{"from_seq":1,"to_seq":null}', headers: [JSON_TYPE] }],
    ['white space', { body: ' \r\n', headers: [JSON_TYPE] }],
    [
      'an empty form (curl -d "")',
      { body: '', headers: [['content-type', 'application/x-www-form-urlencoded']] },
    ],
    ['a type with a charset', { body: '{}', headers: [['content-type', 'application/json; charset=utf-8']] }],
    ['a type in upper case', { body: '{}', headers: [['Content-Type', 'Application/JSON;charset=UTF-8']] }],
    ['the type twice', { body: '{}', headers: [JSON_TYPE, JSON_TYPE] }],
    ['the type twice in one header', { body: '{}', headers: [typed('application/json, application/json')] }],
    ['no body and an empty type', { headers: [typed('')] }],
    ['no body and an invalid type', { headers: [typed('garbage')] }],
    ['no body and a type twice in one header', { headers: [typed('application/json, application/json')] }],
    ['no body and another type', { headers: [typed('text/plain')] }],
    ['no body and a coding', { headers: [['content-encoding', 'gzip']] }],
    ['an empty body and an invalid type', { body: '', headers: [typed('garbage')] }],
    ['an empty chunked body and an invalid type', { body: '', chunked: true, headers: [typed('/')] }],
    ['null without a type', { body: 'null' }],
    ['null of an empty type', { body: 'null', headers: [typed('')] }],
    ['null of an invalid type', { body: 'null', headers: [typed('garbage')] }],
    ['null as bytes', { body: 'null\n', headers: [typed('application/octet-stream')] }],
    ['white space as bytes', { body: ' \n', headers: [typed('application/octet-stream')] }],
    ['null that is said to be compressed', { body: 'null', headers: [['content-encoding', 'gzip']] }],
    ['{} with a byte order mark (.NET)', { body: '\ufeff{}', headers: [JSON_TYPE] }],
    ['a byte order mark alone', { body: '\ufeff', headers: [JSON_TYPE] }],
    ['{} of the coding identity', { body: '{}', headers: [JSON_TYPE, ['content-encoding', 'identity']] }],
    ['[] (json_encode of PHP)', { body: '[]', headers: [JSON_TYPE] }],
  ])('is what %s means', async (_client, sent) => {
    const got = await send(fixture.path('verify'), { method: 'POST', ...sent })
    expect([got.status, JSON.parse(got.body)]).toMatchObject([
      200,
      { ok: true, segment_from: 1, segment_to: 5 },
    ])
  })
})

describe('a verify with a body that cannot be read', () => {
  it.each<[string, Sent, string]>([
    ['{} without a type', { body: '{}' }, 'Content-Type application/json'],
    ['{} as bytes', { body: '{}', headers: [typed('application/octet-stream')] }, 'Content-Type application'],
    ['{} of two types', { body: '{}', headers: [typed('application/json, text/plain')] }, 'Content-Type app'],
    ['two marks', { body: '\ufeff\ufeff{}', headers: [JSON_TYPE] }, 'the body: '],
    ['a list', { body: '[1]', headers: [JSON_TYPE] }, 'expected'],
    ['a list of nothing', { body: '[null]', headers: [JSON_TYPE] }, 'expected'],
    ['a text', { body: '""', headers: [JSON_TYPE] }, 'expected'],
    ['a number', { body: '0', headers: [JSON_TYPE] }, 'expected'],
    ['two values', { body: 'null null', headers: [JSON_TYPE] }, 'the body: '],
    ...['gzip', 'br', 'gzip, identity', 'identity, deflate'].map(
      (coding) =>
        [
          coding,
          { body: '\u001f\u008b', headers: [JSON_TYPE, ['content-encoding', coding]] },
          'Content-Encoding: expected none',
        ] as [string, Sent, string],
    ),
  ])('of %s is 400', async (_what, sent, detail) => {
    const got = await send(fixture.path('verify'), { method: 'POST', ...sent })
    expect([got.status, JSON.parse(got.body)]).toMatchObject([
      400,
      { code: 'invalid_body', detail: expect.stringContaining(detail) },
    ])
  })

  it('is 401 first without a credential', async () => {
    const sent = {
      method: 'POST',
      as: 'unknown',
      body: 'x',
      headers: [['content-encoding', 'gzip']],
    } as const
    expect(await send(fixture.path('verify'), sent)).toMatchObject({ status: 401 })
  })
})

const IDENTITY = '018f0000-0000-7000-8000-00000000cafe'

describe('the body of an erase', () => {
  it.each<[string, string, number, string?]>([
    ['an identity', `{"identity_id":"${IDENTITY}"}`, 200],
    ['an identity in upper case', `{"identity_id":"${IDENTITY.toUpperCase()}"}`, 200],
    ['an identity and a line feed', `{"identity_id":"${IDENTITY}"}\n`, 200],
    ['nothing', '', 400, 'invalid_body'],
    ['null', 'null', 400, 'invalid_body'],
    ['an identity that is null', '{"identity_id":null}', 400, 'invalid_identity_id'],
    ['a list', '[]', 400, 'invalid_body'],
  ])('with %s', async (_what, body, status, code) => {
    const sent = { method: 'POST', as: 'owner', headers: [JSON_TYPE], body }
    const got = await send(fixture.path('erase-identity'), sent)
    expect([got.status, JSON.parse(got.body).code]).toEqual([status, code])
  })
})

describe('the query of a list', () => {
  it.each<[string, number]>([
    ['', 5],
    ['?', 5],
    ['?&', 5],
    ['?limit=5&', 5],
    ['?&limit=5', 5],
    ['?limit=5&&reason=granted', 5],
    ['?%6Cimit=5', 5],
    ['?relation=project%2Eread', 4],
    ['?object_type=project&object_id=p1', 4],
    // time.Time of Go has nanoseconds, datetime of Python writes an offset.
    ['?from=2020-01-01T00:00:00.123456789Z', 5],
    ['?from=2020-01-01T00%3A00%3A00%2B02%3A00', 5],
    ['?from=2020-01-01T00:00:00.000000%2B0000', 5],
    // A plus sign that the client did not encode arrives as a space.
    ['?from=2020-01-01T00:00:00+02:00', 5],
    ['?from=2020-01-01T00:00:00.5+0200', 5],
    ['?to=2020-01-01t00:00:00z', 0],
  ])('entries%s has %i rows', async (query, rows) => {
    const got = await send(`${fixture.path('entries')}${query}`, {})
    expect([got.status, JSON.parse(got.body).items?.length]).toEqual([200, rows])
  })

  it.each<[string, string?]>([
    ['limit=5&limit=5', 'invalid_limit'],
    ['reason=granted&reason=out_of_scope'],
    ['reason[]=granted'],
    ['reason='],
    ['limit=', 'invalid_limit'],
    ['from=', 'invalid_range'],
    ['from=2020-01-01T00:00:00', 'invalid_range'],
    ['cursor=', 'invalid_cursor'],
    ['=5'],
  ])('entries?%s is refused: its meaning is not clear', async (query, code) => {
    const got = await send(`${fixture.path('entries')}?${query}`, {})
    expect([got.status, JSON.parse(got.body).code]).toEqual([400, code])
  })

  it('is a list that is empty, and never null, when no row matches', async () => {
    const got = await send(`${fixture.path('entries')}?relation=none`, {})
    expect(got.body).toBe('{"items":[]}')
  })
})

describe('a header', () => {
  it.each<[string, Sent]>([
    ['Accept: application/json', { headers: [['accept', 'application/json']] }],
    [
      'Accept: application/json, application/problem+json',
      { headers: [['accept', 'application/json, application/problem+json']] },
    ],
    ['Accept: */*', { headers: [['accept', '*/*']] }],
    ['Accept: text/html', { headers: [['accept', 'text/html,application/xhtml+xml;q=0.9']] }],
    ['an empty Accept', { headers: [['accept', '']] }],
    [
      'two Accept headers',
      {
        headers: [
          ['accept', 'application/json'],
          ['accept', 'text/plain'],
        ],
      },
    ],
    ['Accept-Encoding', { headers: [['accept-encoding', 'gzip, deflate, br']] }],
    ['a type on a GET', { headers: [JSON_TYPE] }],
    [
      'a repeated header of no meaning',
      {
        headers: [
          ['x-trace', 'a'],
          ['x-trace', 'b'],
        ],
      },
    ],
    ['a range', { headers: [['range', 'bytes=0-10']] }],
    [
      'conditions',
      {
        headers: [
          ['if-none-match', '*'],
          ['if-modified-since', 'Thu, 01 Jan 2099 00:00:00 GMT'],
        ],
      },
    ],
    ['an empty body of a GET', { body: '', headers: [JSON_TYPE] }],
    ['a body of a GET', { body: 'null', headers: [JSON_TYPE] }],
  ])('%s does not change the answer', async (_header, sent) => {
    const got = await send(`${fixture.path('entries')}?limit=1`, sent)
    expect([got.status, got.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(JSON.parse(got.body).items).toHaveLength(1)
  })
})

describe('a HEAD request', () => {
  it.each<[string, string, number]>([
    ['auditor', 'entries', 200],
    ['auditor', 'entries?limit=0', 400],
    ['auditor', 'entries/1', 200],
    ['auditor', 'entries/99', 404],
    ['read-only', 'entries', 200],
    ['member', 'entries', 403],
    ['member', 'entries/1', 404],
    ['unknown', 'entries', 401],
    ['auditor', 'verify', 404],
  ])('of %s for %s has the status %i of a GET, and no body', async (as, operation, status) => {
    const head = await send(fixture.path(operation), { method: 'HEAD', as })
    const get = await send(fixture.path(operation), { as })
    expect([head.status, head.body, get.status]).toEqual([status, '', status])
    const own = { date: '', 'x-correlation-id': '', 'content-length': '', connection: '', 'keep-alive': '' }
    expect({ ...head.headers, ...own }).toEqual({ ...get.headers, ...own })
    expect('x-correlation-id' in head.headers).toBe('x-correlation-id' in get.headers)
  })

  it('for /openapi.json has no body', async () => {
    expect(await send('/openapi.json', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })
})
