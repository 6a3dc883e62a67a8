import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { HttpFixture } from '../support/http-fixture.js'
import { contractProblems } from '../support/openapi-contract.js'

const UNKNOWN = '018f0000-0000-7000-8000-00000000dead'
const IDENTITY = JSON.stringify({ identity_id: '018f0000-0000-7000-8000-00000000cafe' })

let fixture: HttpFixture

beforeAll(async () => {
  fixture = await HttpFixture.make({ rows: 5, deps: { denials: { add: () => undefined } } })
  fixture.access.grant('auditor', 'auditor', `domain:${UNKNOWN}`)
  fixture.access.grant('owner', 'manage', `domain:${UNKNOWN}`)
})

afterAll(() => fixture.close())

type Expected = readonly [status: number, code?: string]

/** Sends a request and checks that the answer conforms to the committed document. */
async function asked(
  method: 'GET' | 'POST',
  url: string,
  options: Parameters<HttpFixture['ask']>[2] = {},
): Promise<Expected> {
  const answer = await fixture.ask(method, url, options)
  expect(contractProblems(method, url, answer)).toEqual([])
  const { code } = answer.json()
  return code === undefined ? [answer.statusCode] : [answer.statusCode, code]
}

const CHAINS = [
  ['a Domain', () => fixture.domainId],
  ['the platform', () => PLATFORM_ANCHOR],
] as const

describe.each(CHAINS)('permissions on the chain of %s', (_, chain) => {
  it.each([
    // [caller, list, get, verify, erase]
    ['', 401, 401, 401, 401],
    ['unknown', 401, 401, 401, 401],
    ['member', 403, 404, 403, 403],
    ['auditor', 200, 200, 200, 403],
    ['admin', 403, 404, 403, 200],
    ['owner', 403, 404, 403, 200],
    ['read-only', 200, 200, 403, 403],
    ['owner-only', 200, 200, 200, 200],
    ['elsewhere', 403, 404, 403, 403],
  ])('are enforced for the caller "%s"', async (as, ...statuses) => {
    const answers = [
      await asked('GET', fixture.path('entries', chain()), { as }),
      await asked('GET', fixture.path('entries/1', chain()), { as }),
      await asked('POST', fixture.path('verify', chain()), { as }),
      await asked('POST', fixture.path('erase-identity', chain()), {
        as,
        body: IDENTITY,
        headers: JSON_TYPE,
      }),
    ]
    expect(answers.map(([status]) => status)).toEqual(statuses)
  })
})

const JSON_TYPE = { 'content-type': 'application/json' }
const HEX = 'ab'.repeat(32)

describe('invalid requests', () => {
  it.each<[string, ...Expected]>([
    ['limit=0', 400, 'invalid_limit'],
    ['limit=201', 400, 'invalid_limit'],
    ['limit=-1', 400, 'invalid_limit'],
    ['limit=1.5', 400, 'invalid_limit'],
    ['limit=', 400, 'invalid_limit'],
    ['limit=ten', 400, 'invalid_limit'],
    ['limit=5&limit=6', 400, 'invalid_limit'],
    ['cursor=', 400, 'invalid_cursor'],
    ['cursor=forged', 400, 'invalid_cursor'],
    [`cursor=${'A'.repeat(55)}`, 400, 'invalid_cursor'],
    ['subject=alice@example.com', 400, 'invalid_subject'],
    [`subject=${HEX.slice(1)}`, 400, 'invalid_subject'],
    ['from=yesterday', 400, 'invalid_range'],
    ['to=2026-13-01T00:00:00Z', 400, 'invalid_range'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 400, 'invalid_range'],
    ['reason=because', 400],
    ['relation=', 400],
    [`relation=${'r'.repeat(129)}`, 400],
    ['object_type=a:b', 400],
    ['object_id=%00', 400],
    ['correlation_id=%00', 400],
    ['unheard_of=1', 400],
  ])('are refused: entries?%s', async (query, ...expected) => {
    expect(await asked('GET', `${fixture.path('entries')}?${query}`)).toEqual(expected)
    // The check of the syntax runs before that of relations, so every caller with a credential gets the answer.
    if (!query.includes('AAAA')) {
      expect(await asked('GET', `${fixture.path('entries')}?${query}`, { as: 'member' })).toEqual(expected)
    }
  })

  it.each<[string, ...Expected]>([
    ['0', 400, 'invalid_seq'],
    ['-1', 400, 'invalid_seq'],
    ['01', 400, 'invalid_seq'],
    ['1.0', 400, 'invalid_seq'],
    ['1e3', 400, 'invalid_seq'],
    ['9007199254740992', 400, 'invalid_seq'],
    ['x'.repeat(5000), 400, 'invalid_seq'],
    ['9007199254740991', 404, 'entry_not_found'],
    ['7', 404, 'entry_not_found'],
    ['1?x=1', 400],
  ])('are refused: entries/%s', async (seq, ...expected) => {
    expect(await asked('GET', fixture.path(`entries/${seq}`))).toEqual(expected)
  })

  it.each([
    'x',
    '00000000-0000-0000-0000-000000000000',
    // The platform chain has its own paths; as a Domain it would be another object of relations.
    PLATFORM_ANCHOR,
    `${UNKNOWN}0`,
    `{${UNKNOWN}}`,
    '%2f',
    'x'.repeat(5000),
  ])('are refused: Domain %s', async (id) => {
    const base = `/v1/domains/${id}/audit`
    expect(await asked('GET', `${base}/entries`)).toEqual([400, 'invalid_domain_id'])
    expect(await asked('GET', `${base}/entries/1`)).toEqual([400, 'invalid_domain_id'])
    expect(await asked('POST', `${base}/verify`)).toEqual([400, 'invalid_domain_id'])
    expect(await asked('POST', `${base}/erase-identity`, { body: IDENTITY, headers: JSON_TYPE })).toEqual([
      400,
      'invalid_domain_id',
    ])
  })

  it.each<[string, ...Expected]>([
    ['{"from_seq":0}', 400, 'invalid_seq'],
    ['{"from_seq":1.5}', 400, 'invalid_seq'],
    ['{"from_seq":"1"}', 400, 'invalid_seq'],
    ['{"to_seq":9007199254740992}', 400, 'invalid_seq'],
    ['{"from_seq":3,"to_seq":2}', 400, 'invalid_range'],
    ['{"to_seq":7}', 404, 'entry_not_found'],
    ['{"from_seq":7}', 404, 'entry_not_found'],
    ['{"from_sequence":1}', 400, 'invalid_body'],
    ['{"from_seq":1,"from_seq":2}', 400, 'invalid_body'],
    ['[0]', 400, 'invalid_body'],
    ['"x"', 400, 'invalid_body'],
    ['{', 400, 'invalid_body'],
    ['\u00ff', 400, 'invalid_body'],
    ['{"__proto__":{"from_seq":1}}', 400, 'invalid_body'],
    [`{"from_seq":1${' '.repeat(8192)}}`, 413, 'request_body_too_large'],
  ])('are refused: verify with %s', async (body, ...expected) => {
    expect(await asked('POST', fixture.path('verify'), { body, headers: JSON_TYPE })).toEqual(expected)
  })

  it.each<[string, ...Expected]>([
    ['', 400, 'invalid_body'],
    ['null', 400, 'invalid_body'],
    ['{}', 400, 'invalid_identity_id'],
    ['{"identity_id":null}', 400, 'invalid_identity_id'],
    ['{"identity_id":"alice"}', 400, 'invalid_identity_id'],
    ['{"identity_id":7}', 400, 'invalid_identity_id'],
    ['{"identity_id":"00000000-0000-0000-0000-000000000000"}', 400, 'invalid_identity_id'],
    [`{"identity_id":"${UNKNOWN}","reason":"x"}`, 400, 'invalid_body'],
    ['[]', 400, 'invalid_body'],
    [' '.repeat(8193), 413, 'request_body_too_large'],
  ])('are refused: erase with %s', async (body, ...expected) => {
    const options = { as: 'owner', body, headers: JSON_TYPE }
    expect(await asked('POST', fixture.path('erase-identity'), options)).toEqual(expected)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'nonsense', 'application/problem+json'])(
    'are refused with a body of type %s',
    async (type) => {
      const options = { body: '{}', headers: { 'content-type': type } }
      expect(await asked('POST', fixture.path('verify'), options)).toEqual([400, 'invalid_body'])
    },
  )
})

describe('the server', () => {
  it('checks the credential, then syntax, relation, existence', async () => {
    const bad = '/v1/domains/x/audit/entries?limit=0'
    expect(await asked('GET', bad, { as: '' })).toEqual([401])
    expect(await asked('GET', bad, { as: 'member' })).toEqual([400, 'invalid_domain_id'])
    expect(await asked('GET', fixture.path('entries', UNKNOWN), { as: 'member' })).toEqual([403])
    expect(await asked('GET', fixture.path('entries', UNKNOWN))).toEqual([404, 'domain_not_found'])
    expect(await asked('POST', fixture.path('verify', UNKNOWN), { as: 'member' })).toEqual([403])
    expect(await asked('POST', fixture.path('verify', UNKNOWN))).toEqual([404, 'domain_not_found'])
    expect(await asked('GET', fixture.path('entries/1', UNKNOWN), { as: 'member' })).toEqual([
      404,
      'entry_not_found',
    ])
    expect(await asked('GET', fixture.path('entries/1', UNKNOWN))).toEqual([404, 'domain_not_found'])
  })

  it('does not read the body of an unknown caller', async () => {
    const options = { as: '', body: ' '.repeat(9000), headers: JSON_TYPE }
    expect(await asked('POST', fixture.path('verify'), options)).toEqual([401])
  })

  it('refuses a body that is too long before it checks relations', async () => {
    const options = { as: 'member', body: ' '.repeat(9000), headers: JSON_TYPE }
    expect(await asked('POST', fixture.path('verify'), options)).toEqual([413, 'request_body_too_large'])
  })
})

describe('the proof of an entry that the caller may not see', () => {
  /** Returns the answer without its Date header. */
  async function whole(seq: number, as: string) {
    const { statusCode, headers, body } = await fixture.ask('GET', fixture.path(`entries/${seq}`), { as })
    return { statusCode, headers: { ...headers, date: '' }, body }
  }

  it('gets the same answer, byte for byte, as a missing entry', async () => {
    const unknown = await whole(99, 'auditor')
    expect(unknown.statusCode).toBe(404)
    for (const as of ['member', 'owner', 'elsewhere']) {
      expect(await whole(1, as)).toEqual(unknown)
      expect(await whole(99, as)).toEqual(unknown)
    }
    expect(JSON.stringify(unknown)).not.toMatch(/correlation/)
  })
})

describe('a 403', () => {
  it('is the same for an existing and a missing Domain, except for its correlation id', async () => {
    const bodies = [fixture.domainId, UNKNOWN].map(async (chain) => {
      const answer = await fixture.ask('GET', fixture.path('entries', chain), { as: 'member' })
      const { correlation_id, instance, ...rest } = answer.json()
      expect(correlation_id).toBe(answer.headers['x-correlation-id'])
      return { ...rest, instance: instance.replace(chain, '') }
    })
    const [known, unknown] = await Promise.all(bodies)
    expect(known).toEqual(unknown)
    expect(known).toMatchObject({ status: 403, reason: 'insufficient_relation' })
  })

  it.each([
    ['out_of_scope', ['domain:x#auditor']],
    ['caveat_violation', undefined],
  ] as const)('contains the reason %s and the relation path %s', async (reason, relationPath) => {
    const before = fixture.access.denial
    fixture.access.denial = { allowed: false, reason, relationPath }
    const answer = await fixture.ask('POST', fixture.path('verify'), { as: 'member' })
    fixture.access.denial = before
    expect(contractProblems('POST', fixture.path('verify'), answer)).toEqual([])
    expect(answer.json()).toMatchObject({ reason })
    expect(answer.json().relation_path).toEqual(relationPath)
  })
})

describe('credentials', () => {
  it.each([
    ['Bearer'],
    ['Bearer '],
    ['Basic YXVkaXRvcjo='],
    ['auditor'],
    ['Bearer auditor x'],
    [`Bearer ${'x'.repeat(8193)}`],
    ['Bearer \u00fc'],
  ])('refuse the header %j', async (authorization) => {
    const url = fixture.path('entries')
    const answer = await fixture.ask('GET', url, { as: '', headers: { authorization } })
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    expect(contractProblems('GET', url, answer)).toEqual([])
  })

  it.each(['bearer auditor', 'BEARER  auditor'])('accept the header %j', async (authorization) => {
    const answer = await fixture.ask('GET', fixture.path('entries'), { as: '', headers: { authorization } })
    expect(answer.statusCode).toBe(200)
  })
})

describe('pages', () => {
  it('continue at their cursors, and the last page has none', async () => {
    const seqs: number[] = []
    let query = 'limit=2'
    for (let page = 0; page < 4; page++) {
      const url = `${fixture.path('entries')}?${query}`
      const answer = await fixture.ask('GET', url)
      expect(contractProblems('GET', url, answer)).toEqual([])
      const { items, next_cursor } = answer.json()
      seqs.push(...items.map((item: { seq: number }) => item.seq))
      if (next_cursor === undefined) break
      query = `limit=2&cursor=${next_cursor}`
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('have cursors that are only valid for their chain', async () => {
    const { next_cursor } = (await fixture.ask('GET', `${fixture.path('entries')}?limit=1`)).json()
    const elsewhere = `${fixture.path('entries', PLATFORM_ANCHOR)}?cursor=${next_cursor}`
    expect(await asked('GET', elsewhere)).toEqual([400, 'invalid_cursor'])
  })

  it('accept the id of the Domain in upper case', async () => {
    const url = `/v1/domains/${fixture.domainId.toUpperCase()}/audit/entries`
    expect(await asked('GET', url)).toEqual([200])
  })

  it.each([
    ['relation=project.read', 5],
    ['object_type=project&object_id=p1', 5],
    ['reason=granted', 6],
    ['reason=unknown', 0],
    ['from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00.5%2B01:00', 0],
    [`subject=${HEX}`, 0],
    ['correlation_id=', 6],
  ])('contain, with %s, %i rows', async (query, rows) => {
    const url = `${fixture.path('entries')}?${query}`
    const answer = await fixture.ask('GET', url)
    expect(contractProblems('GET', url, answer)).toEqual([])
    expect(answer.json().items).toHaveLength(rows)
  })
})

describe('paths without a credential', () => {
  it.each(['ready', 'degraded'] as const)('answer 200 on /readyz when %s', async (state) => {
    fixture.state = state
    const answer = await fixture.ask('GET', '/readyz', { as: '' })
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: state }])
    expect(contractProblems('GET', '/readyz', answer)).toEqual([])
  })

  it.each(['pending', 'diverged', 'stalled'] as const)(
    'answer 503 on /readyz when %s, and still 200 on /healthz',
    async (state) => {
      fixture.state = state
      const answer = await fixture.ask('GET', '/readyz', { as: '' })
      expect([answer.statusCode, answer.json().reason]).toEqual([503, state])
      expect(contractProblems('GET', '/readyz', answer)).toEqual([])
      expect(answer.body).not.toContain(fixture.domainId)
      expect((await fixture.app.inject({ method: 'HEAD', url: '/readyz' })).statusCode).toBe(503)
      const health = await fixture.ask('GET', '/healthz', { as: '' })
      expect(contractProblems('GET', '/healthz', health)).toEqual([])
      expect(health.statusCode).toBe(200)
      fixture.state = 'ready'
    },
  )

  it('serve the committed document on /openapi.json', async () => {
    const answer = await fixture.ask('GET', '/openapi.json', { as: '' })
    expect(answer.body).toMatch(/^{\n {2}"openapi": "3.1.0"/)
  })

  it.each(['/', '/v1', '/docs', '/metrics'])('answer 404 on %s', async (url) => {
    const answer = await fixture.ask('GET', url)
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ type: 'about:blank', status: 404, instance: url })
  })
})

describe('every answer', () => {
  it.each([
    ['entries', 200],
    ['entries/1', 200],
    ['entries?limit=0', 400],
  ] as const)('has the security headers, also to %s', async (operation, status) => {
    const { statusCode, headers } = await fixture.ask('GET', fixture.path(operation))
    expect(statusCode).toBe(status)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'content-type': status === 200 ? 'application/json; charset=utf-8' : 'application/problem+json',
    })
    expect(headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has a correlation id of the server, whatever the caller sends', async () => {
    const answer = await fixture.ask('GET', '/healthz', {
      headers: { 'x-correlation-id': 'mine', 'x-request-id': 'mine' },
    })
    expect(answer.headers['x-correlation-id']).not.toBe('mine')
  })
})

describe('an operation without its port', () => {
  it('answers 501 to callers with the relation', async () => {
    const bare = await HttpFixture.make({
      deps: { eraser: undefined, entries: undefined, source: undefined },
    })
    const operations = [
      ['GET', 'entries', 'auditor', undefined],
      ['GET', 'entries/1', 'auditor', undefined],
      ['POST', 'verify', 'auditor', '{}'],
      ['POST', 'erase-identity', 'owner', IDENTITY],
    ] as const
    for (const [method, operation, as, body] of operations) {
      const url = bare.path(operation)
      const options = body === undefined ? { as } : { as, body, headers: JSON_TYPE }
      const answer = await bare.ask(method, url, options)
      expect([answer.statusCode, answer.json().code]).toEqual([501, 'audit_not_provisioned'])
      expect(contractProblems(method, url, answer)).toEqual([])
    }
    await bare.close()
  })
})

it('answers 404 with the path and the correlation id for a verify of missing rows', async () => {
  const url = fixture.path('verify')
  const answer = await fixture.ask('POST', url, { body: '{"to_seq":99}', headers: JSON_TYPE })
  expect([answer.statusCode, answer.json().code, answer.json().instance]).toEqual([
    404,
    'entry_not_found',
    url,
  ])
  expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
})
