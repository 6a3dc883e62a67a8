import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { base64url } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eitherAuthenticator, jwtAuthenticator } from '../../src/authz/jwt-authenticator.js'
import type { Authenticator, Principal } from '../../src/ports/access.js'
import { NEVER } from '../support/access-fixture.js'
import { Issuer, type SigningKey, token } from '../support/issuer.js'

const NOW = Math.floor(Date.now() / 1000)
const TIMES = { timeout: 200, maxAge: 600_000, floor: 30_000, failureFloor: 0 }

let issuer: Issuer
let key: SigningKey
let jwts: Authenticator

beforeAll(async () => {
  issuer = await Issuer.make()
  key = await issuer.addKey('one')
  await issuer.addKey('two')
  jwts = jwtAuthenticator(issuer.settings, TIMES)
})

afterAll(() => issuer.close())

beforeEach(() => {
  issuer.answer = undefined
  issuer.requests = 0
})

const ask = (bearer: string, authenticator = jwts) => authenticator.authenticate(bearer, NEVER)
const outcome = (asked: Promise<Principal | undefined>) =>
  asked.then(
    (principal) => principal?.subject ?? 'none',
    (error: { code?: string }) => error.code,
  )

describe('a token', () => {
  it('identifies the user in its sub, and grants nothing else', async () => {
    expect(await ask(await token(key.privateKey))).toEqual({
      subject: 'user:alice',
      subjectId: 'alice',
      readOnly: false,
      hasOwnerKey: false,
    })
  })

  it.each([
    ['that is valid', {}, 'user:alice'],
    ['for several audiences', { aud: ['other', 'audit'] }, 'user:alice'],
    ['that expired within the leeway', { exp: NOW - 3 }, 'user:alice'],
    ['from a clock that is ahead', { nbf: NOW + 5 }, 'user:alice'],
    ['that names a group', { sub: 'g#member' }, 'user:g#member'],
    ['that has expired', { exp: NOW - 60 }, 'none'],
    ['that is not valid yet', { nbf: NOW + 60 }, 'none'],
    ['that never expires', { exp: undefined }, 'none'],
    ['with a text as exp', { exp: 'tomorrow' }, 'none'],
    ['of another issuer', { iss: 'https://issuer.example/' }, 'none'],
    ['without an issuer', { iss: undefined }, 'none'],
    ['for another audience', { aud: 'other' }, 'none'],
    ['without an audience', { aud: undefined }, 'none'],
    ['without a sub', { sub: undefined }, 'none'],
    ['with an empty sub', { sub: '' }, 'none'],
    ['with a number as sub', { sub: 7 }, 'none'],
    ['with * as sub', { sub: '*' }, 'none'],
    ['with a newline in its sub', { sub: 'alice\nuser:root' }, 'none'],
    ['with a sub that is too long', { sub: 'a'.repeat(513) }, 'none'],
    ['with a lone surrogate in its sub', { sub: 'a\ud800' }, 'none'],
  ])('%s', async (_, claims, expected) => {
    expect(await outcome(ask(await token(key.privateKey, claims)))).toBe(expected)
  })
})

describe('a token that names no key', () => {
  const unnamed = { kid: undefined as never }

  it('is verified with each key of the set that fits', async () => {
    const two = await issuer.addKey('two')
    const bearers = [await token(key.privateKey, {}, unnamed), await token(two.privateKey, {}, unnamed)]
    const fresh = jwtAuthenticator(issuer.settings, TIMES)
    for (const bearer of bearers) expect(await outcome(ask(bearer, fresh))).toBe('user:alice')
  })

  it.each([
    ['that is signed with a key outside the set', {}],
    ['that has expired', { exp: NOW - 60 }],
  ])('gives no caller when it is %s', async (_, claims) => {
    const own = await issuer.addKey('gone')
    issuer.putKey('gone', {})
    const signer = 'exp' in claims ? key : own
    expect(await outcome(ask(await token(signer.privateKey, claims, unnamed)))).toBe('none')
  })
})

const encoded = (value: unknown) => base64url.encode(JSON.stringify(value))

/** Returns a token that is signed by hand, in ways that no library allows. */
function forged(header: object, signed: (input: string) => Buffer): string {
  const claims = { iss: issuer.settings.issuer, aud: 'audit', sub: 'root', exp: NOW + 300 }
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${signed(input).toString('base64url')}`
}

describe('the authenticator', () => {
  const pem = () => createPublicKey({ key: issuer.jwk('one') as never, format: 'jwk' })
  const hmac = (secret: string | Buffer) => (input: string) =>
    createHmac('sha256', secret).update(input).digest()

  it.each<[string, () => string | Promise<string>]>([
    ['alg none', () => forged({ alg: 'none' }, () => Buffer.alloc(0))],
    ['alg None with a kid', () => forged({ alg: 'None', kid: 'one' }, () => Buffer.alloc(0))],
    [
      'HS256 with the public key as PEM',
      () =>
        forged({ alg: 'HS256', kid: 'one' }, hmac(pem().export({ type: 'spki', format: 'pem' }) as string)),
    ],
    [
      'HS256 with the public key as JWK',
      () => forged({ alg: 'HS256', kid: 'one' }, hmac(JSON.stringify(issuer.jwk('one')))),
    ],
    ['ES256 without a signature', () => forged({ alg: 'ES256', kid: 'one' }, () => Buffer.alloc(0))],
    ['ES256 with a signature of zeros', () => forged({ alg: 'ES256', kid: 'one' }, () => Buffer.alloc(64))],
    [
      'a crit header',
      () => forged({ alg: 'ES256', kid: 'one', crit: ['b64'], b64: false }, () => Buffer.alloc(64)),
    ],
    [
      'its own key in the header',
      async () => {
        const own = await issuer.addKey('mine-alone')
        const jwk = issuer.jwk('mine-alone')
        issuer.putKey('mine-alone', {})
        return token(own.privateKey, {}, { jwk: jwk as never, kid: 'one' })
      },
    ],
    ['another key of the set', async () => token((await issuer.addKey('three')).privateKey)],
    [
      'claims of another token',
      async () => {
        const [a, b] = [await token(key.privateKey), await token(key.privateKey, { sub: 'root' })]
        const [header, , signature] = a.split('.')
        return `${header}.${b.split('.')[1]}.${signature}`
      },
    ],
    ['an encrypted token', () => `${encoded({ alg: 'dir', enc: 'A128GCM' })}.a.b.c.d`],
    ['an empty token', () => '..'],
    ['no JSON', () => 'a.b.c'],
    ['a header that is an array', () => `${encoded([])}.${encoded({})}.AAAA`],
  ])('%s', async (_, make) => {
    expect(await outcome(ask(await make()))).toBe('none')
  })

  it('gives no caller for an algorithm that is not allowed, before any key is fetched', async () => {
    const eddsa = await issuer.addKey('ed', 'EdDSA')
    const pinned = jwtAuthenticator({ ...issuer.settings, algorithms: ['ES256'] }, TIMES)
    const signed = await token(eddsa.privateKey, {}, { alg: 'EdDSA', kid: 'ed' })
    expect(await outcome(ask(signed, pinned))).toBe('none')
    expect(issuer.requests).toBe(0)
    expect(await outcome(ask(signed, jwtAuthenticator(issuer.settings, TIMES)))).toBe('user:alice')
  })

  it('gives no caller for any text', async () => {
    const part = fc.oneof(
      fc.json().map((json) => base64url.encode(json)),
      fc.string(),
      fc
        .record({ alg: fc.constantFrom('ES256', 'RS256', 'EdDSA', 'none'), kid: fc.constantFrom('one', 'x') })
        .map(encoded),
      fc.constant(encoded({ iss: 'https://issuer.example', aud: 'audit', sub: 'a', exp: NOW + 99 })),
    )
    await fc.assert(
      fc.asyncProperty(fc.tuple(part, part, part), async (parts) => {
        expect(await outcome(ask(parts.join('.')))).toBe('none')
      }),
      { numRuns: 300 },
    )
  })
})

describe('the key set', () => {
  const fresh = (times = {}) => jwtAuthenticator(issuer.settings, { ...TIMES, ...times })

  it('is fetched once for many tokens', async () => {
    const authenticator = fresh()
    const bearer = await token(key.privateKey)
    await Promise.all(Array.from({ length: 20 }, () => ask(bearer, authenticator)))
    expect(issuer.requests).toBe(1)
  })

  it('is fetched again for an unknown key, not more often than the floor', async () => {
    const authenticator = fresh({ floor: 300 })
    await ask(await token(key.privateKey), authenticator)
    const rotated = await token((await issuer.addKey('new')).privateKey, {}, { kid: 'new' })
    const asked: (string | undefined)[] = []
    for (let request = 0; request < 5; request++) asked.push(await outcome(ask(rotated, authenticator)))
    expect([asked, issuer.requests]).toEqual([Array(5).fill('none'), 1])
    await expect.poll(() => outcome(ask(rotated, authenticator))).toBe('user:alice')
    expect(issuer.requests).toBe(2)
  })

  it.each<[string, Issuer['answer']]>([
    ['an error', (_, response) => response.writeHead(500).end()],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['no JSON', (_, response) => response.end('<html>')],
    ['other JSON', (_, response) => response.end('{"keys":{}}')],
    ['null', (_, response) => response.end('null')],
    ['a flood', (_, response) => response.end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`)],
    ['no answer', () => undefined],
    ['a connection that breaks', (request) => request.socket.destroy()],
  ])('that answers with %s makes the authenticator unavailable until it is back', async (_, answer) => {
    const authenticator = fresh()
    const bearer = await token(key.privateKey)
    issuer.answer = answer
    expect(await outcome(ask(bearer, authenticator))).toBe('authenticator_unavailable')
    issuer.answer = undefined
    expect(await outcome(ask(bearer, authenticator))).toBe('user:alice')
  })

  it('is not fetched for every token while the fetch fails', async () => {
    const authenticator = fresh({ failureFloor: 60_000 })
    issuer.answer = (_, response) => response.writeHead(500).end()
    const bearer = await token(key.privateKey)
    const asked: (string | undefined)[] = []
    for (let request = 0; request < 5; request++) asked.push(await outcome(ask(bearer, authenticator)))
    expect([asked, issuer.requests]).toEqual([Array(5).fill('authenticator_unavailable'), 1])
  })

  it('leaves the cached keys valid for their maximum age while it is down', async () => {
    const authenticator = fresh({ maxAge: 300, floor: 0 })
    const bearer = await token(key.privateKey)
    await ask(bearer, authenticator)
    issuer.answer = (request) => request.socket.destroy()
    expect(await outcome(ask(bearer, authenticator))).toBe('user:alice')
    // An unknown key cannot be checked now.
    const other = await token(key.privateKey, {}, { kid: 'unheard-of' })
    expect(await outcome(ask(other, authenticator))).toBe('authenticator_unavailable')
    await expect.poll(() => outcome(ask(bearer, authenticator))).toBe('authenticator_unavailable')
  })

  it('gives no caller for a key that is too short', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
    issuer.putKey('short', { ...short.publicKey.export({ format: 'jwk' }), kid: 'short' })
    const bearer = forged({ alg: 'RS256', kid: 'short' }, (input) =>
      sign('sha256', Buffer.from(input), short.privateKey),
    )
    expect(await outcome(ask(bearer, fresh()))).toBe('none')
  })
})

it('eitherAuthenticator chooses JWTs or keys by the form of the credential', async () => {
  const as = (subject: string): Authenticator => ({
    authenticate: async () => ({ subject, subjectId: '', readOnly: false, hasOwnerKey: false }),
  })
  const either = eitherAuthenticator(as('key'), as('jwt'))
  const asked = await Promise.all(['a.b.c', 'ak_1_2', 'a.b', 'a.b.c.d.e'].map((text) => ask(text, either)))
  expect(asked.map((principal) => principal?.subject)).toEqual(['jwt', 'key', 'key', 'key'])
})
