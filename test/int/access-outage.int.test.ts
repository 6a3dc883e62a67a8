import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKey } from '../../src/access/keys.js'
import { eitherAuthenticator, jwtAuthenticator } from '../../src/authz/jwt-authenticator.js'
import { keyAuthenticator } from '../../src/authz/key-authenticator.js'
import { SpicedbAuthorizer } from '../../src/authz/spicedb-authorizer.js'
import { postgresKeyLookup } from '../../src/repo/access/api-key-lookup.js'
import { Database } from '../../src/repo/session/database.js'
import { AccessFixture } from '../support/access-fixture.js'
import { HttpFixture } from '../support/http-fixture.js'
import { Issuer, token } from '../support/issuer.js'
import { contractProblems } from '../support/openapi-contract.js'
import { OutageProxy } from '../support/outage-proxy.js'
import { HAS_SPICEDB, SPICEDB_TOKEN, TestSpicedb } from '../support/spicedb.js'

let access: AccessFixture
let fixture: HttpFixture
let issuer: Issuer
let postgres: OutageProxy
let spicedb: TestSpicedb
let way: OutageProxy
const closing: (() => unknown)[] = []
let jwt: string
let key: string

beforeAll(async () => {
  access = await AccessFixture.make()
  issuer = await Issuer.make()
  jwt = await token((await issuer.addKey('one')).privateKey, { sub: 'audrey' })
  spicedb = await TestSpicedb.start()
  way = await OutageProxy.start(`http://${spicedb.endpoint}`)
  postgres = await proxyOf(access.database.url)
  const { pathname } = new URL(access.database.url.replace('@/', '@socket/'))
  const pool = new Database(`postgresql://postgres@${postgres.url.slice('http://'.length)}${pathname}`, 2, {
    queryTimeout: 500,
  })
  const endpoint = way.url.slice('http://'.length)
  const authorizer = new SpicedbAuthorizer({
    endpoint,
    token: SPICEDB_TOKEN,
    isInsecure: true,
    deadline: 500,
  })
  const times = { timeout: 200, maxAge: 0, floor: 0, failureFloor: 0 }
  fixture = await HttpFixture.make({
    deps: {
      authenticator: eitherAuthenticator(
        keyAuthenticator(postgresKeyLookup(pool)),
        jwtAuthenticator(issuer.settings, times),
      ),
      authorizer,
    },
  })
  closing.push(
    () => authorizer.close(),
    () => pool.close(),
  )
  const object = `domain:${fixture.domainId}` as const
  await spicedb.grant({ object, relation: 'auditor', subject: 'user:audrey' })
  const { domainId } = access
  const made = {
    domainId,
    relation: 'auditor',
    subject: 'user:audrey',
    readOnly: false,
    ownerOnly: false,
  } as const
  key = (await createKey(access.as(), made)).text
})

afterAll(async () => {
  await fixture.close()
  for (const close of closing) await close()
  for (const proxy of [way, postgres]) await proxy.goAway()
  spicedb.close()
  await issuer.close()
  await access.close()
})

async function proxyOf(url: string): Promise<OutageProxy> {
  const { searchParams } = new URL(url.replace('@/', '@socket/'))
  return OutageProxy.start(`unix:${searchParams.get('host')}/.s.PGSQL.5432`)
}

async function status(as: string): Promise<number> {
  const url = fixture.path('entries')
  const answer = await fixture.ask('GET', url, { as })
  expect(contractProblems('GET', url, answer)).toEqual([])
  return answer.statusCode
}

describe.skipIf(!HAS_SPICEDB)('the server', () => {
  it('answers 503 while the key set of the issuer is down', async () => {
    expect(await status(jwt)).toBe(200)
    issuer.answer = (request) => request.socket.destroy()
    expect(await status(jwt)).toBe(503)
    issuer.answer = undefined
    expect(await status(jwt)).toBe(200)
  })

  it('answers 503 while SpiceDB is down or hangs', async () => {
    await way.goAway()
    expect(await status(jwt)).toBe(503)
    await way.comeBack()
    await expect.poll(() => status(jwt), { timeout: 10_000 }).toBe(200)
    way.hang()
    expect(await status(jwt)).toBe(503)
    await way.goAway()
    await way.comeBack()
    await expect.poll(() => status(jwt), { timeout: 10_000 }).toBe(200)
  })

  it('answers 503 while the Postgres of the keys is down or hangs', async () => {
    // A key for another chain is known, and forbidden here.
    expect(await status(key)).toBe(403)
    await postgres.goAway()
    expect([await status(key), await status('ak_unknown')]).toEqual([503, 503])
    await postgres.comeBack()
    expect(await status(key)).toBe(403)
    postgres.hang()
    expect(await status(key)).toBe(503)
    await postgres.goAway()
    await postgres.comeBack()
    expect(await status(key)).toBe(403)
  })
})
