import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { v1 } from '@authzed/authzed-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpicedbAuthorizer, type SpicedbSettings } from '../../src/authz/spicedb-authorizer.js'
import { spicedbId } from '../../src/authz/spicedb-id.js'
import { tupleAuthorizer } from '../../src/authz/tuple-authorizer.js'
import { insertTuple } from '../../src/repo/access/relation-tuples.js'
import { GROUPS_OF, MAX_DEPTH, postgresRelationWalk } from '../../src/repo/access/relation-walk.js'
import { Database } from '../../src/repo/session/database.js'
import { NEVER } from '../support/access-fixture.js'
import { describeAuthorizer, type Governed } from '../support/authorizer-contract.js'
import { ROOT } from '../support/cli.js'
import { OutageProxy } from '../support/outage-proxy.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'
import { HAS_SPICEDB, SPICEDB_TOKEN, TestSpicedb } from '../support/spicedb.js'

async function onPostgres(): Promise<Governed & { database: TestDatabase }> {
  const database = await testDatabase()
  const pool = new Database(database.url)
  const each = (sql: string) => async (tuple: object) =>
    void (await rowsOf(database.url, sql, Object.values(tuple)))
  return {
    database,
    authorizer: tupleAuthorizer(postgresRelationWalk(pool)),
    grant: async (...tuples) => {
      await pool.write(async (client) => {
        for (const tuple of tuples) await insertTuple(client, tuple)
      })
    },
    revoke: async (...tuples) => {
      const remove = each(
        'DELETE FROM audit_relation_tuple WHERE object = $1 AND relation = $2 AND subject = $3',
      )
      for (const tuple of tuples) await remove(tuple)
    },
    close: async () => {
      await pool.close()
      await database.drop()
    },
  }
}

const insecure = (endpoint: string): SpicedbSettings => ({ endpoint, token: SPICEDB_TOKEN, isInsecure: true })

async function onSpicedb(): Promise<Governed> {
  const spicedb = await TestSpicedb.start()
  const authorizer = new SpicedbAuthorizer(insecure(spicedb.endpoint))
  return {
    authorizer,
    grant: (...tuples) => spicedb.grant(...tuples),
    revoke: (...tuples) => spicedb.revoke(...tuples),
    close: async () => {
      authorizer.close()
      spicedb.close()
    },
  }
}

describeAuthorizer('tuples in Postgres', onPostgres)
if (HAS_SPICEDB) describeAuthorizer('SpiceDB', onSpicedb)

describe('tuples in Postgres', () => {
  it('follow groups to a depth, and groups that all contain each other cost no more', async () => {
    const governed = await onPostgres()
    const { authorizer } = governed
    const D = 'domain:018f0000-0000-7000-8000-00000000000d' as const
    const groups = Array.from({ length: 30 }, (_, i) => `mesh${i}`)
    const mesh = groups.flatMap((outer) =>
      groups.map((inner) => ({
        object: `group:${outer}` as const,
        relation: 'member' as const,
        subject: `group:${inner}#member`,
      })),
    )
    const chain = Array.from({ length: MAX_DEPTH }, (_, i) => ({
      object: `group:chain${i}` as const,
      relation: 'member' as const,
      subject: i === MAX_DEPTH - 1 ? 'user:last' : `group:chain${i + 1}#member`,
    }))
    await governed.grant(
      ...mesh,
      ...chain,
      { object: 'group:mesh0', relation: 'member', subject: 'user:max' },
      { object: 'group:over', relation: 'member', subject: 'group:chain0#member' },
      { object: D, relation: 'auditor', subject: 'group:chain0#member' },
      { object: D, relation: 'admin', subject: 'group:over#member' },
    )
    expect(await authorizer.check('user:last', 'auditor', D, NEVER)).toEqual({ allowed: true })
    expect(await authorizer.check('user:last', 'manage', D, NEVER)).toMatchObject({ allowed: false })
    expect(await authorizer.check('user:max', 'auditor', D, NEVER)).toMatchObject({ allowed: false })
    const walked = `${GROUPS_OF} SELECT count(*)::int AS groups FROM up`
    const [row] = await rowsOf(governed.database.url, walked, ['user:max'])
    // The walk visits the user, and each group once at each depth, instead of each path through the mesh.
    expect(row).toEqual({ groups: 1 + 1 + (MAX_DEPTH - 1) * groups.length })
    await governed.close()
  })
})

describe.skipIf(!HAS_SPICEDB)('SpiceDB', () => {
  let spicedb: TestSpicedb
  const D = 'domain:018f0000-0000-7000-8000-00000000000d' as const

  beforeAll(async () => {
    spicedb = await TestSpicedb.start()
    await spicedb.grant({ object: D, relation: 'auditor', subject: 'user:audrey' })
  })

  afterAll(() => spicedb.close())

  const using = async <T>(settings: SpicedbSettings, use: (authorizer: SpicedbAuthorizer) => Promise<T>) => {
    const authorizer = new SpicedbAuthorizer(settings)
    try {
      return await use(authorizer)
    } finally {
      authorizer.close()
    }
  }

  const outcome = (authorizer: SpicedbAuthorizer) =>
    authorizer.check('user:audrey', 'auditor', D, NEVER).then(
      (decision) => (decision.allowed ? 'allowed' : decision.reason),
      (error: { code?: string }) => error.code,
    )

  it('gets requests for fully consistent answers', async () => {
    expect(await using(insecure(spicedb.endpoint), outcome)).toBe('allowed')
    expect(spicedb.requests.at(-1)?.consistency?.requirement).toEqual({
      oneofKind: 'fullyConsistent',
      fullyConsistent: true,
    })
  })

  it.each([
    [v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION, 'allowed'],
    [v1.CheckPermissionResponse_Permissionship.NO_PERMISSION, 'insufficient_relation'],
    [v1.CheckPermissionResponse_Permissionship.CONDITIONAL_PERMISSION, 'caveat_violation'],
    [v1.CheckPermissionResponse_Permissionship.UNSPECIFIED, 'authorizer_unavailable'],
    [99, 'authorizer_unavailable'],
  ])('gives, for the answer %i, %s', async (permissionship, expected) => {
    spicedb.answer = async () => v1.CheckPermissionResponse.create({ permissionship })
    expect(await using(insecure(spicedb.endpoint), outcome)).toBe(expected)
    spicedb.answer = undefined
  })

  it.each([
    ['another token', { token: 'wrong' }],
    ['TLS that it does not support', { isInsecure: false }],
    ['a port without a listener', { endpoint: 'localhost:1' }],
    ['a name that does not resolve', { endpoint: 'spicedb.invalid:50051' }],
  ])('gives no decision with %s', async (_, settings) => {
    const used = { ...insecure(spicedb.endpoint), deadline: 2_000, ...settings }
    expect(await using(used, outcome)).toBe('authorizer_unavailable')
  })

  it('gives no decision without the schema', async () => {
    const other = await TestSpicedb.start({ schema: 'definition user {}' })
    expect(await using(insecure(other.endpoint), outcome)).toBe('authorizer_unavailable')
    other.close()
  })

  it('is trusted over TLS only with its certificate', async () => {
    const secure = await TestSpicedb.start({ tls: true })
    await secure.grant({ object: D, relation: 'auditor', subject: 'user:audrey' })
    const ca = readFileSync(join(ROOT, 'test/fixtures/tls/cert.pem'))
    const settings = { endpoint: secure.endpoint, token: SPICEDB_TOKEN, isInsecure: false }
    expect(await using({ ...settings, ca }, outcome)).toBe('allowed')
    expect(await using({ ...settings, deadline: 2_000 }, outcome)).toBe('authorizer_unavailable')
    secure.close()
  })

  it('gives no decision after the deadline', async () => {
    spicedb.answer = () => new Promise(() => undefined)
    expect(await using({ ...insecure(spicedb.endpoint), deadline: 100 }, outcome)).toBe(
      'authorizer_unavailable',
    )
    spicedb.answer = undefined
  })

  it('is asked again after an outage, and after its connection has died', async () => {
    const proxy = await OutageProxy.start(`http://${spicedb.endpoint}`)
    const settings = { ...insecure(proxy.url.slice('http://'.length)), deadline: 1_000 }
    await using(settings, async (authorizer) => {
      expect(await outcome(authorizer)).toBe('allowed')
      await proxy.goAway()
      expect(await outcome(authorizer)).toBe('authorizer_unavailable')
      await proxy.comeBack()
      await expect.poll(() => outcome(authorizer), { timeout: 10_000 }).toBe('allowed')
      proxy.freeze()
      expect(await outcome(authorizer)).toBe('authorizer_unavailable')
      expect(await outcome(authorizer)).toBe('allowed')
    })
    await proxy.goAway()
  })

  it('is not waited for after the client has disconnected', async () => {
    spicedb.answer = () => new Promise(() => undefined)
    await using(insecure(spicedb.endpoint), async (authorizer) => {
      const client = new AbortController()
      const asked = authorizer.check('user:audrey', 'auditor', D, client.signal)
      client.abort()
      await expect(asked).rejects.toMatchObject({ code: 'authorizer_unavailable' })
    })
    spicedb.answer = undefined
  })

  it('gets a different id for every id', () => {
    const ids = ['a', 'A', 'a=b', 'a=3Db', '*', '=2A', 'é', 'e\u0301', ' ', '', 'a@b', 'a=40b', 'a|b-c_d/e+f']
    const theirs = ids.map((id) => spicedbId(id))
    expect(new Set(theirs).size).toBe(ids.length)
    for (const id of theirs.filter(Boolean)) expect(id).toMatch(/^[a-zA-Z0-9/_|\-=+]{1,1024}$/)
    expect(spicedbId('é'.repeat(200))).toBeUndefined()
  })
})
