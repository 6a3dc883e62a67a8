import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mintKey, secretHash, splitKey } from '../../src/authz/api-key.js'
import { LastUse } from '../../src/authz/last-use.js'
import { zedArguments } from '../../src/authz/spicedb-id.js'
import { SPICEDB_SCHEMA } from '../../src/authz/spicedb-schema.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { parseExpiry } from '../../src/cli/access/expiry.js'
import { parseJwt, parseSpicedb } from '../../src/cli/access/flags.js'
import { parseKeyId } from '../../src/cli/access/key-id.js'
import { parseTuple } from '../../src/cli/access/relation-flags.js'
import { parseGroup, parseHolder, parseSubject } from '../../src/cli/access/subject.js'
import { ROOT } from '../support/cli.js'

const DOMAIN = '018f0000-0000-7000-8000-00000000000d'

function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code === 'usage' ? `usage: ${message}` : code
  }
}

const isUsage = expect.stringMatching(/^usage: /)

it('docs/spicedb.zed equals the schema that the program prints', () => {
  expect(readFileSync(join(ROOT, 'docs/spicedb.zed'), 'utf8')).toBe(SPICEDB_SCHEMA)
})

describe('the text of a key', () => {
  it('splits into the minted id and secret', () => {
    const { id, key, secretHash: hash } = mintKey()
    const split = splitKey(key)
    expect(split?.id).toBe(id)
    expect(secretHash(split?.secret ?? '')).toBe(hash)
    expect(Buffer.from(split?.secret ?? '', 'base64url')).toHaveLength(32)
    expect(mintKey().key).not.toBe(key)
  })

  it('is not accepted as an id, and the error does not repeat it', () => {
    const { key, id } = mintKey()
    expect(parseKeyId(id)).toBe(id)
    expect(outcome(() => parseKeyId(key))).toEqual(isUsage)
    expect(outcome(() => parseKeyId(key))).not.toContain(key.slice(20))
  })
})

describe('subjects', () => {
  it.each([
    ['user:alice', true, true],
    ['service:ci', true, true],
    ['user:alice@example.com', true, true],
    ['user:a:b', true, true],
    ['group:g#member', false, true],
    ['group:g', false, false],
    ['group:g#owner', false, false],
    ['group:g#member#member', false, false],
    ['group:#member', false, false],
    ['alice', false, false],
    ['user:', false, false],
    ['user:*', false, false],
    ['user:a b', false, false],
    ['user:a\n', false, false],
    ['user:a\u2028b', false, false],
    ['operator:root', false, false],
    [`user:${'é'.repeat(256)}`, true, true],
    [`user:${'é'.repeat(257)}`, false, false],
    ['user:\ud800', false, false],
  ])('are parsed or refused: %s', (text, isHolder, isSubject) => {
    expect(outcome(() => parseHolder(text))).toEqual(isHolder ? text : isUsage)
    expect(outcome(() => parseSubject(text))).toEqual(isSubject ? text : isUsage)
  })

  it.each(['g', 'audit-team', 'a|b/c_d.e', 'g'.repeat(128)])(
    'are accepted by parseGroup as the group name %s',
    (name) => {
      expect(parseGroup(name)).toBe(name)
    },
  )

  it.each(['', 'a b', 'g#member', 'g'.repeat(129), 'é'])(
    'are refused by parseGroup as the group name %s',
    (name) => {
      expect(outcome(() => parseGroup(name))).toEqual(isUsage)
    },
  )

  it('are escaped for zed as SpiceDB accepts them', () => {
    const tuple = { object: `domain:${DOMAIN}`, relation: 'auditor', subject: 'user:a@b.c' } as const
    expect(zedArguments(tuple)).toBe(`domain:${DOMAIN} auditor user:a=40b=2Ec`)
  })
})

describe('tuples by flags', () => {
  const parsed = (flags: object, ...typed: string[]) => ({
    flags: { relation: 'member', subject: 'user:a', ...flags },
    raw: typed.map((flag) => ({ type: 'flag', flag })),
  })
  const object = (flags: object, ...typed: string[]) =>
    outcome(() => parseTuple(parsed(flags, ...typed)).object)

  it.each([
    [{ domain: DOMAIN }, ['domain'], `domain:${DOMAIN}`],
    [{ domain: DOMAIN.toUpperCase() }, [], `domain:${DOMAIN}`],
    [{ platform: true }, ['platform'], 'platform:platform'],
    [{ domain: PLATFORM_ANCHOR }, ['domain'], 'platform:platform'],
    [{ group: 'g' }, ['group'], 'group:g'],
    // A typed flag wins over AUDIT_DOMAIN.
    [{ domain: DOMAIN, group: 'g' }, ['group'], 'group:g'],
    [{ domain: DOMAIN, group: 'g' }, ['group', 'domain'], isUsage],
    [{ platform: true, group: 'g' }, ['group', 'platform'], isUsage],
    [{ group: 'g', relation: 'owner' }, ['group'], isUsage],
    [{ platform: true, relation: 'manage' }, ['platform'], isUsage],
    [{}, [], isUsage],
  ])('are read from %j when %j are typed', (flags, typed, expected) => {
    expect(object(flags, ...typed)).toEqual(expected)
  })
})

describe('--expires', () => {
  const NOW = 1_700_000_000_000_000n
  it.each([
    ['90m', NOW + 5_400_000_000n],
    ['12h', NOW + 43_200_000_000n],
    ['30d', NOW + 2_592_000_000_000n],
    ['2030-01-01T00:00:00Z', 1_893_456_000_000_000n],
    ['2020-01-01T00:00:00Z', isUsage],
    ['9999999d', isUsage],
    ['0d', isUsage],
    ['-1d', isUsage],
    ['tomorrow', isUsage],
    ['2030-01-01', isUsage],
    ['', isUsage],
  ])('accepts or refuses %s', (text, expected) => {
    expect(outcome(() => parseExpiry(text, NOW))).toEqual(expected)
  })
})

describe('the flags of serve', () => {
  const JWT = {
    'jwks-url': 'https://issuer.example/jwks',
    'jwt-issuer': 'https://issuer.example',
    'jwt-audience': 'audit',
  }

  it('accept JWTs with private-key algorithms only', () => {
    expect(parseJwt({})).toBeUndefined()
    expect(parseJwt(JWT)?.algorithms).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA'])
    expect(parseJwt({ ...JWT, 'jwt-algorithm': ['ES256'] })?.algorithms).toEqual(['ES256'])
  })

  it.each([
    { ...JWT, 'jwt-audience': undefined },
    { ...JWT, 'jwt-issuer': '' },
    { 'jwt-algorithm': ['ES256'] },
    { ...JWT, 'jwks-url': 'http://issuer.example/jwks' },
    { ...JWT, 'jwks-url': 'http://127.0.0.1.issuer.example/jwks' },
    { ...JWT, 'jwks-url': 'file:///jwks' },
    { ...JWT, 'jwks-url': 'issuer' },
  ])('refuse %j', (flags) => expect(outcome(() => parseJwt(flags))).toEqual(isUsage))

  it.each(['http://localhost:8080/jwks', 'http://127.0.0.1/jwks', 'http://[::1]:1/jwks'])(
    'accept the local URL %s',
    (url) => expect(parseJwt({ ...JWT, 'jwks-url': url })?.jwksUrl).toBe(url),
  )

  const AT = { 'spicedb-endpoint': 'spicedb:50051' }
  const TOKEN = { AUDIT_SPICEDB_TOKEN: 'secret' }

  it('connect to SpiceDB with TLS by default, with the token from the environment', () => {
    const settings = { endpoint: 'spicedb:50051', token: 'secret', ca: undefined, isInsecure: false }
    expect(parseSpicedb({}, TOKEN)).toBeUndefined()
    expect(parseSpicedb(AT, TOKEN)).toEqual(settings)
    expect(parseSpicedb({ ...AT, 'spicedb-insecure': true }, TOKEN)).toEqual({
      ...settings,
      isInsecure: true,
    })
  })

  it.each([
    [AT, {}],
    [AT, { AUDIT_SPICEDB_TOKEN: '' }],
    [{ 'spicedb-endpoint': 'https://spicedb' }, TOKEN],
    [{ 'spicedb-endpoint': '' }, TOKEN],
    [{ 'spicedb-insecure': true }, TOKEN],
    [{ ...AT, 'spicedb-insecure': true, 'spicedb-ca': 'ca.pem' }, TOKEN],
  ])('refuse %j with %j', (flags, environment) =>
    expect(outcome(() => parseSpicedb(flags, environment))).toEqual(isUsage),
  )
})

describe('the last use of a key', () => {
  it('is written at most once a minute, and is forgotten beyond a number of keys', () => {
    const touched: string[] = []
    const lastUse = new LastUse(async (id) => void touched.push(id))
    for (const now of [0, 30_000, 59_999, 60_000]) lastUse.note('a', now)
    expect(touched).toEqual(['a', 'a'])
    for (let key = 0; key < 20_000; key++) lastUse.note(String(key), 0)
    expect(touched).toHaveLength(20_002)
  })
})
