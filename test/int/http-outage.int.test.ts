import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { HttpFixture } from '../support/http-fixture.js'
import { contractProblems } from '../support/openapi-contract.js'
import { OutageProxy } from '../support/outage-proxy.js'

let fixture: HttpFixture
let proxy: OutageProxy

beforeAll(async () => {
  fixture = await HttpFixture.make({
    through: async (url) => {
      const { pathname, searchParams } = new URL(url.replace('@/', '@socket/'))
      proxy = await OutageProxy.start(`unix:${searchParams.get('host')}/.s.PGSQL.5432`)
      return `postgresql://postgres@${proxy.url.slice('http://'.length)}${pathname}`
    },
  })
})

afterAll(async () => {
  await fixture.close()
  await proxy.goAway()
})

const operations = [
  ['GET', 'entries'],
  ['GET', 'entries/1'],
  ['POST', 'verify'],
] as const

/** Returns the status of each operation that reads. */
async function statuses(): Promise<number[]> {
  const all: number[] = []
  for (const [method, operation] of operations) {
    const url = fixture.path(operation)
    const answer = await fixture.ask(method, url)
    expect(contractProblems(method, url, answer)).toEqual([])
    if (answer.statusCode === 503) expect(answer.headers['retry-after']).toBe('5')
    all.push(answer.statusCode)
  }
  return all
}

describe('Postgres', () => {
  it('gives 503 while it is down, and 200 when it is back', async () => {
    expect(await statuses()).toEqual([200, 200, 200])
    await proxy.goAway()
    expect(await statuses()).toEqual([503, 503, 503])
    expect((await fixture.ask('GET', '/healthz')).statusCode).toBe(200)
    await proxy.comeBack()
    expect(await statuses()).toEqual([200, 200, 200])
  })

  it('gives no answer about permissions while it is down', async () => {
    await proxy.goAway()
    const denied = await fixture.ask('GET', fixture.path('entries/1'), { as: 'member' })
    const [unknown] = [await fixture.ask('GET', fixture.path('entries/99'), { as: 'member' })]
    await proxy.comeBack()
    expect([denied.statusCode, unknown.statusCode]).toEqual([404, 404])
  })

  it('is not named to a client, and its error code is logged', async () => {
    await proxy.goAway()
    const answer = await fixture.ask('GET', fixture.path('entries'))
    await proxy.comeBack()
    expect(answer.body).not.toMatch(/postgres|econn|127\.0\.0\.1/i)
    const line = fixture.lines.filter(({ message }) => message === 'could not answer').at(-1)
    expect(line?.fields).toMatchObject({
      correlation_id: answer.headers['x-correlation-id'],
      error: 'database_unavailable',
      status: 503,
    })
  })

  it('gives 503 after the timeout when it hangs', async () => {
    const hasty = new Database(fixture.served.url, 1, { queryTimeout: 200 })
    const entries = postgresEntryReader(hasty)
    await entries.knows(fixture.domainId)
    const other = await HttpFixture.make({ deps: { entries } })
    other.access.grant('auditor', 'auditor', `domain:${fixture.domainId}`)
    proxy.hang()
    const answer = await other.ask('GET', other.path('entries', fixture.domainId))
    await proxy.goAway()
    await proxy.comeBack()
    const again = await other.ask('GET', other.path('entries', fixture.domainId))
    await other.close()
    await hasty.close()
    expect([answer.statusCode, again.statusCode]).toEqual([503, 200])
  })
})

describe.each(['authorizer', 'authenticator'] as const)('the server, while an %s is down,', (which) => {
  it.each([
    ['reports it', new AuditError(`${which}_unavailable`, 'gone')],
    ['fails with an error of its library', new Error('14 UNAVAILABLE')],
  ])('answers 503 to every caller, and serves nothing, also with %s', async (_, failure) => {
    Object.assign(fixture.access, { gone: which, failure })
    for (const as of ['auditor', 'member', 'owner']) {
      for (const [method, operation] of operations) {
        const url = fixture.path(operation)
        const answer = await fixture.ask(method, url, { as })
        expect(answer.statusCode).toBe(503)
        expect(contractProblems(method, url, answer)).toEqual([])
      }
    }
    fixture.access.gone = undefined
    expect(await statuses()).toEqual([200, 200, 200])
  })
})
