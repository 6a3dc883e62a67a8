import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKey, type KeyRequest, revokeKey } from '../../src/access/keys.js'
import type { Management } from '../../src/access/management.js'
import { setPolicy } from '../../src/access/policy.js'
import { mintKey } from '../../src/authz/api-key.js'
import { eitherAuthenticator, jwtAuthenticator } from '../../src/authz/jwt-authenticator.js'
import { keyAuthenticator } from '../../src/authz/key-authenticator.js'
import { SpicedbAuthorizer } from '../../src/authz/spicedb-authorizer.js'
import { tupleAuthorizer } from '../../src/authz/tuple-authorizer.js'
import { chainObject } from '../../src/chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { Authorizer } from '../../src/ports/access.js'
import type { RelationTuple } from '../../src/ports/relations.js'
import { postgresAccessPolicy } from '../../src/repo/access/access-policy.js'
import { postgresKeyLookup } from '../../src/repo/access/api-key-lookup.js'
import { postgresApiKeys } from '../../src/repo/access/api-keys.js'
import { postgresRelations } from '../../src/repo/access/relation-tuples.js'
import { postgresRelationWalk } from '../../src/repo/access/relation-walk.js'
import { Database } from '../../src/repo/session/database.js'
import { NEVER } from '../support/access-fixture.js'
import { ACTOR, testPepper } from '../support/append-chains.js'
import { HttpFixture } from '../support/http-fixture.js'
import { Issuer, type SigningKey, token } from '../support/issuer.js'
import { contractProblems } from '../support/openapi-contract.js'
import { HAS_SPICEDB, SPICEDB_TOKEN, TestSpicedb } from '../support/spicedb.js'

/** A store of relations, and the authorizer that reads it. */
interface Decider {
  readonly authorizer: Authorizer
  grant(tuple: RelationTuple, management: Management): Promise<unknown>
  readonly tuplesDecide: boolean
  close(): void
}

const DECIDERS: readonly (readonly [string, (pool: Database) => Promise<Decider>])[] = [
  [
    'tuples',
    async (pool) => ({
      authorizer: tupleAuthorizer(postgresRelationWalk(pool)),
      grant: async () => undefined,
      tuplesDecide: true,
      close: () => undefined,
    }),
  ],
  [
    'SpiceDB',
    async () => {
      const spicedb = await TestSpicedb.start()
      const authorizer = new SpicedbAuthorizer({
        endpoint: spicedb.endpoint,
        token: SPICEDB_TOKEN,
        isInsecure: true,
      })
      return {
        authorizer,
        grant: (tuple) => spicedb.grant(tuple),
        tuplesDecide: false,
        close: () => {
          authorizer.close()
          spicedb.close()
        },
      }
    },
  ],
]

const IDENTITY = { body: '{"identity_id":"018f0000-0000-7000-8000-00000000cafe"}' }
const JSON_TYPE = { 'content-type': 'application/json' }
const OPERATIONS = [
  ['GET', 'entries', {}],
  ['GET', 'entries/1', {}],
  ['POST', 'verify', {}],
  ['POST', 'erase-identity', { ...IDENTITY, headers: JSON_TYPE }],
] as const

/** [caller, list, get, verify, erase, erase on a chain whose policy is owner-only] */
const MATRIX = [
  ['member', 403, 404, 403, 403, 403],
  ['auditor', 200, 200, 200, 403, 403],
  ['admin', 403, 404, 403, 200, 403],
  ['owner', 403, 404, 403, 200, 403],
  ['read-only auditor', 200, 200, 403, 403, 403],
  ['read-only owner', 403, 404, 403, 403, 403],
  ['owner-only', 403, 404, 403, 200, 200],
  ['everything', 200, 200, 200, 200, 403],
  ['elsewhere', 403, 404, 403, 403, 403],
] as const

const UNKNOWN = '018f0000-0000-7000-8000-00000000dead'

describe.each(DECIDERS.filter(([name]) => HAS_SPICEDB || name !== 'SpiceDB'))(
  'with relations from %s',
  (_, decide) => {
    let fixture: HttpFixture
    let pool: Database
    let decider: Decider
    let management: Management
    let issuer: Issuer
    let signing: SigningKey
    /** The credential, by caller and chain. */
    const credentials = new Map<string, string>()

    beforeAll(async () => {
      issuer = await Issuer.make()
      signing = await issuer.addKey('one')
      fixture = await HttpFixture.make({
        rows: 2,
        deps: async (url) => {
          pool = new Database(url)
          decider = await decide(pool)
          const keys = keyAuthenticator(postgresKeyLookup(pool))
          return {
            authenticator: eitherAuthenticator(keys, jwtAuthenticator(issuer.settings)),
            authorizer: decider.authorizer,
            erasePolicy: postgresAccessPolicy(pool),
            denials: { add: () => undefined },
          }
        },
      })
      management = {
        actor: ACTOR,
        authorizer: decider.authorizer,
        pepper: testPepper(),
        signal: NEVER,
        keys: postgresApiKeys(pool),
        relations: postgresRelations(pool),
        policy: postgresAccessPolicy(pool),
        mint: mintKey,
        tuplesDecide: decider.tuplesDecide,
      }
      for (const chain of [fixture.domainId, PLATFORM_ANCHOR]) await makeCallers(chain)
      await makeBad()
    })

    afterAll(async () => {
      await fixture.close()
      await pool.close()
      decider.close()
      await issuer.close()
    })

    /** Creates a key and grants its relation in the store of relations. */
    async function key(
      request: Partial<KeyRequest> & Pick<KeyRequest, 'domainId' | 'relation'>,
      actor = ACTOR,
    ) {
      const all = { subject: `service:${randomUUID()}`, readOnly: false, ownerOnly: false, ...request }
      const { domainId, relation, subject } = all
      await decider.grant({ object: chainObject(domainId), relation, subject }, management)
      const { record, text } = await createKey({ ...management, actor }, all)
      return { id: record.id, key: text }
    }

    async function makeCallers(chain: string): Promise<void> {
      const domainId = chain
      const put = async (caller: string, made: Promise<{ readonly key: string }>) =>
        void credentials.set(`${caller} ${chain}`, (await made).key)
      for (const relation of ['member', 'auditor', 'admin', 'owner'] as const) {
        await put(relation, key({ domainId, relation, subject: `user:${relation}` }))
      }
      await put('read-only auditor', key({ domainId, relation: 'auditor', readOnly: true }))
      await put('read-only owner', key({ domainId, relation: 'owner', readOnly: true }))
      const ownerOnly = { domainId, relation: 'owner', subject: 'user:owner', ownerOnly: true } as const
      await put('owner-only', key(ownerOnly, 'user:owner'))
      // The key's subject may do everything on this chain, but the key is for another chain.
      const elsewhere = await fixture.writer.create()
      const everything = { domainId, subject: 'user:everything' } as const
      await key({ ...everything, relation: 'auditor' })
      await put('everything', key({ ...everything, relation: 'owner' }))
      await put('elsewhere', key({ ...everything, domainId: elsewhere, relation: 'auditor' }))
    }

    const bad: string[] = []

    async function makeBad(): Promise<void> {
      const { domainId } = fixture
      const [revoked, expired, good] = [
        await key({ domainId, relation: 'auditor' }),
        await key({ domainId, relation: 'auditor', expiresAt: 1n }),
        await key({ domainId, relation: 'auditor' }),
      ]
      await revokeKey(management, revoked.id)
      const claims = { sub: 'auditor' }
      bad.push(
        revoked.key,
        expired.key,
        `${good.id}_${'A'.repeat(43)}`,
        `ak_0123456789abcdef_${'A'.repeat(43)}`,
        'ak_',
        'auditor',
        'a.b.c',
        await token(signing.privateKey, { ...claims, exp: 1 }),
        await token(signing.privateKey, { ...claims, aud: 'other' }),
        await token(signing.privateKey, { ...claims, iss: 'other' }),
        await token(signing.privateKey, claims, { kid: 'unheard-of' }),
      )
    }

    async function statuses(credential: string, chain: string): Promise<number[]> {
      const all: number[] = []
      for (const [method, operation, options] of OPERATIONS) {
        const url = fixture.path(operation, chain)
        const answer = await fixture.ask(method, url, { ...options, as: credential })
        expect(contractProblems(method, url, answer)).toEqual([])
        all.push(answer.statusCode)
      }
      return all
    }

    describe.each([
      ['a Domain', () => fixture.domainId],
      ['the platform', () => PLATFORM_ANCHOR],
    ])('on the chain of %s', (_chain, chain) => {
      it.each(MATRIX)('enforces the permissions of %s', async (caller, ...expected) => {
        const credential = credentials.get(`${caller} ${chain()}`) ?? ''
        expect(await statuses(credential, chain())).toEqual(expected.slice(0, 4))
      })

      it('enforces the owner-only policy of erasing', async () => {
        await setPolicy(management, chain(), 'owner-only')
        const [, , , erase] = OPERATIONS
        const answered: [string, number][] = []
        for (const [caller] of MATRIX) {
          const as = credentials.get(`${caller} ${chain()}`) ?? ''
          const [method, operation, options] = erase
          const { statusCode } = await fixture.ask(method, fixture.path(operation, chain()), {
            ...options,
            as,
          })
          answered.push([caller, statusCode])
        }
        await setPolicy(management, chain(), 'manage')
        expect(answered).toEqual(MATRIX.map(([caller, ...expected]) => [caller, expected[4]]))
      })

      it('refuses every operation without a credential', async () => {
        expect(await statuses('', chain())).toEqual([401, 401, 401, 401])
      })

      it('grants a JWT the relations of its user', async () => {
        const auditor = await token(signing.privateKey, { sub: 'auditor' })
        expect(await statuses(auditor, chain())).toEqual([200, 200, 200, 403])
        const owner = await token(signing.privateKey, { sub: 'owner' })
        expect(await statuses(owner, chain())).toEqual([403, 404, 403, 200])
      })
    })

    it('gives the same answer for every invalid credential', async () => {
      for (const [method, operation, options] of OPERATIONS) {
        const answers = new Set<string>()
        for (const as of ['', ...bad]) {
          const answer = await fixture.ask(method, fixture.path(operation), { ...options, as })
          const { 'x-correlation-id': _id, date: _date, ...headers } = answer.headers
          answers.add(JSON.stringify([answer.statusCode, headers, answer.body]))
        }
        expect([...answers]).toHaveLength(1)
        expect([...answers][0]).toMatch(/^\[401,.*"www-authenticate":"Bearer"/)
      }
    })

    it('answers a forbidden and a missing chain alike, on every operation', async () => {
      const credential = credentials.get(`everything ${fixture.domainId}`) ?? ''
      const jwt = await token(signing.privateKey, { sub: 'stranger' })
      for (const as of [credential, jwt]) {
        for (const [method, operation, options] of OPERATIONS) {
          const looks = async (chain: string) => {
            const url = fixture.path(operation, chain)
            const { statusCode, body, headers } = await fixture.ask(method, url, { ...options, as })
            const { 'x-correlation-id': _id, date: _date, ...rest } = headers
            const { correlation_id, ...problem } = JSON.parse(body)
            expect(typeof correlation_id).toBe(operation === 'entries/1' ? 'undefined' : 'string')
            return [statusCode, rest, JSON.stringify(problem).replaceAll(chain, 'chain')]
          }
          const theirs = await fixture.writer.create()
          expect(await looks(theirs)).toEqual(await looks(UNKNOWN))
        }
      }
    })

    it('answers a forbidden and a missing entry alike, byte for byte', async () => {
      const ask = async (caller: string, seq: number) => {
        const as = credentials.get(`${caller} ${fixture.domainId}`) ?? ''
        const { statusCode, body, headers } = await fixture.ask('GET', fixture.path(`entries/${seq}`), { as })
        const { date: _date, ...rest } = headers
        return [statusCode, rest, body]
      }
      const [unseen, missing] = [await ask('member', 1), await ask('auditor', 9_999)]
      expect(unseen).toEqual(missing)
      expect(await ask('elsewhere', 1)).toEqual(missing)
    })

    it('refuses a key as soon as it is revoked', async () => {
      const { domainId } = fixture
      const { id, key: credential } = await key({ domainId, relation: 'auditor' })
      expect(await statuses(credential, domainId)).toEqual([200, 200, 200, 403])
      await revokeKey(management, id)
      expect(await statuses(credential, domainId)).toEqual([401, 401, 401, 401])
    })

    it('refuses headers that are not exactly one credential', async () => {
      const good = `Bearer ${credentials.get(`auditor ${fixture.domainId}`)}`
      const { hostname, port } = new URL(await fixture.url())
      const status = (...headers: string[]) =>
        new Promise<string>((resolve, reject) => {
          let text = ''
          const socket = connect(Number(port), hostname, () =>
            socket.write(
              [
                `GET ${fixture.path('entries')} HTTP/1.1`,
                'Host: x',
                'Connection: close',
                ...headers,
                '',
                '',
              ].join('\r\n'),
              'latin1',
            ),
          )
          socket.on('data', (bytes) => {
            text += bytes.toString('latin1')
          })
          socket.on('error', reject)
          socket.on('close', () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text))
        })
      const asked = {
        one: await status(`Authorization: ${good}`),
        two: await status(`Authorization: ${good}`, 'Authorization: Bearer x'),
        'two, the bad one first': await status('authorization: Bearer x', `Authorization: ${good}`),
        'two alike': await status(`Authorization: ${good}`, `Authorization: ${good}`),
        'with another after a comma': await status(`Authorization: ${good}, Bearer x`),
        'in another header': await status(`X-Authorization: ${good}`, `Proxy-Authorization: ${good}`),
        'as a cookie': await status(`Cookie: authorization=${good}`),
        'folded over two lines': await status(`Authorization: Bearer`, ` ${good.slice(7)}`),
        'with a letter beyond ASCII': await status(`Authorization: ${good}\u00e9`),
        'with a tab': await status(`Authorization: ${good}\tx`),
        'with a NUL': await status(`Authorization: ${good}\0`),
        'of 8 KiB and one': await status(`Authorization: Bearer ${'x'.repeat(8193)}`),
        'of 8 KiB': await status(`Authorization: Bearer ${'x'.repeat(8192)}`),
        'of 20 KiB': await status(`Authorization: Bearer ${'x'.repeat(20_000)}`),
      }
      expect(asked).toEqual({
        one: '200',
        two: '401',
        'two, the bad one first': '401',
        'two alike': '401',
        'with another after a comma': '401',
        'in another header': '401',
        'as a cookie': '401',
        'folded over two lines': '400',
        'with a letter beyond ASCII': '401',
        'with a tab': '401',
        'with a NUL': '400',
        'of 8 KiB and one': '401',
        'of 8 KiB': '401',
        'of 20 KiB': '431',
      })
    })
  },
)
