import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKey, revokeKey, streamKeys } from '../../src/access/keys.js'
import type { Management } from '../../src/access/management.js'
import { setPolicy, showPolicy } from '../../src/access/policy.js'
import { grantRelation, revokeRelation, streamTuples } from '../../src/access/relations.js'
import { accessRemaining } from '../../src/access/remaining.js'
import { keyAuthenticator } from '../../src/authz/key-authenticator.js'
import { tupleAuthorizer } from '../../src/authz/tuple-authorizer.js'
import { pseudonym } from '../../src/chain/hash.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { remainingJson } from '../../src/cli/erasure/remaining.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { postgresAccessPolicy } from '../../src/repo/access/access-policy.js'
import { postgresKeyLookup } from '../../src/repo/access/api-key-lookup.js'
import { postgresApiKeys } from '../../src/repo/access/api-keys.js'
import { postgresRelations } from '../../src/repo/access/relation-tuples.js'
import { postgresRelationWalk } from '../../src/repo/access/relation-walk.js'
import { Database } from '../../src/repo/session/database.js'
import { AccessFixture, NEVER } from '../support/access-fixture.js'
import { ACTOR, allFindings } from '../support/append-chains.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

let fixture: AccessFixture

beforeAll(async () => {
  fixture = await AccessFixture.make()
})

afterAll(() => fixture.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Returns subject, relation, object and relation_path of the rows of a chain after a seq. */
const auditRows = (from = 0, domainId = fixture.domainId) =>
  rowsOf(
    fixture.database.url,
    `SELECT encode(subject_pseudonym, 'hex') AS subject, relation, object, relation_path FROM audit_log_entry
     WHERE domain_id = $1 AND seq > $2 ORDER BY seq`,
    [domainId, from],
  )

const lastSeq = async (domainId = fixture.domainId) => (await auditRows(0, domainId)).length

describe('a key', () => {
  it('is shown once, stored as a hash, recorded on its chain, and valid until it is revoked', async () => {
    const pepper = await fixture.writer.pepper.pepperOf(fixture.domainId)
    const before = await lastSeq()
    const { key, id, seq } = await fixture.key({ readOnly: true, expiresAt: 4_000_000_000_000_000n })
    expect(key).toMatch(/^ak_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
    expect(key.startsWith(`${id}_`)).toBe(true)
    expect(seq).toBe(before + 1)
    const rows = await rowsOf(fixture.database.url, 'SELECT * FROM audit_api_key')
    expect(JSON.stringify(rows)).not.toContain(key.slice(20))
    const object = `domain:${fixture.domainId}#auditor`
    const alice = `user:${pseudonym(pepper, 'alice')}`
    const subject = pseudonym(pepper, ACTOR)
    expect(await auditRows(before)).toEqual([
      {
        subject,
        relation: 'audit.key-create',
        object: `apikey:${pseudonym(pepper, id)}`,
        relation_path: [object, alice, 'read-only', 'expires:2096-10-02T07:06:40.000000Z'],
      },
      { subject, relation: 'audit.relation-grant', object: alice, relation_path: [object] },
    ])
    expect(await fixture.authenticator.authenticate(key, NEVER)).toEqual({
      subject: 'user:alice',
      subjectId: 'alice',
      keyId: id,
      boundChain: `domain:${fixture.domainId}`,
      readOnly: true,
      hasOwnerKey: false,
    })
    expect(await revokeKey(fixture.as(), id)).toMatchObject({
      record: { state: 'revoked' },
      auditRow: { seq: before + 3 },
    })
    expect(await fixture.authenticator.authenticate(key, NEVER)).toBeUndefined()
    expect((await auditRows(before + 2)).map(({ relation }) => relation)).toEqual(['audit.key-revoke'])
  })

  it('stays as it is after it was revoked, without another row, and has lost its subject', async () => {
    const { id } = await fixture.key()
    const first = await revokeKey(fixture.as(), id)
    const before = await lastSeq()
    expect(await revokeKey(fixture.as(), id)).toEqual({ record: first.record })
    expect(await lastSeq()).toBe(before)
    expect(first.record.subject).toBeUndefined()
    expect(await code(revokeKey(fixture.as(), 'ak_0000000000000000'))).toBe('key_not_found')
  })

  it('records a relation only when it is new', async () => {
    await fixture.key({ subject: 'service:twice' })
    const before = await lastSeq()
    await fixture.key({ subject: 'service:twice' })
    expect((await auditRows(before)).map(({ relation }) => relation)).toEqual(['audit.key-create'])
  })

  it('is not created for an unknown Domain', async () => {
    expect(await code(fixture.key({ domainId: randomUUID() }))).toBe('domain_not_found')
    const keys = await collected(streamKeys(fixture.keys, { activeOnly: false }))
    expect(keys.filter(({ domainId }) => domainId !== fixture.domainId)).toEqual([])
  })

  it('is neither created nor granted when the row cannot be written', async () => {
    const other = await AccessFixture.make()
    await asSuperuser(other.database.url, 'DELETE FROM audit_log_chain_head')
    expect(await code(other.key())).toBe('chain_conflict')
    expect(await collected(streamKeys(other.keys, { activeOnly: false }))).toEqual([])
    expect(await collected(streamTuples(other.relations, {}))).toEqual([])
    await other.close()
  })

  it('is listed by chain and subject, with its state', async () => {
    const domainId = await fixture.writer.create()
    const subject = 'service:listed'
    const past = await fixture.key({ domainId, subject, expiresAt: 1n })
    const ended = await fixture.key({ domainId })
    await revokeKey(fixture.as(), ended.id)
    const good = await fixture.key({ domainId, subject: 'user:bob', relation: 'admin' })
    const listed = async (filter: object) =>
      (await collected(streamKeys(fixture.keys, { activeOnly: false, ...filter }))).map(({ id, state }) => [
        id,
        state,
      ])
    expect(await listed({ domainId })).toEqual([
      [past.id, 'expired'],
      [ended.id, 'revoked'],
      [good.id, 'active'],
    ])
    expect(await listed({ subject })).toEqual([[past.id, 'expired']])
    expect(await listed({ domainId, activeOnly: true })).toEqual([[good.id, 'active']])
    const found = await fixture.keys.find(good.id)
    expect(found).toMatchObject({ subject: 'user:bob', relation: 'admin', state: 'active' })
  })

  it('records its last use to a minute, and not for each request', async () => {
    const lookup = postgresKeyLookup(fixture.writer.database)
    let touches = 0
    const authenticator = keyAuthenticator({
      ...lookup,
      touch: async (id) => {
        touches += 1
        await lookup.touch(id)
      },
    })
    const { key, id } = await fixture.key()
    const lastUsed = async () => (await fixture.keys.find(id))?.lastUsedAt
    for (let request = 0; request < 5; request++) await authenticator.authenticate(key, NEVER)
    await expect.poll(lastUsed).toBeDefined()
    const first = await lastUsed()
    await keyAuthenticator(lookup).authenticate(key, NEVER)
    await lookup.touch(id)
    expect([touches, await lastUsed()]).toEqual([1, first])
  })

  it('is valid when its use cannot be recorded', async () => {
    const { key } = await fixture.key()
    const lookup = { ...postgresKeyLookup(fixture.writer.database), touch: () => Promise.reject(new Error()) }
    expect(await keyAuthenticator(lookup).authenticate(key, NEVER)).toBeDefined()
  })
})

describe('an invalid key', () => {
  it('takes one look-up and gives no caller', async () => {
    const lookup = postgresKeyLookup(fixture.writer.database)
    const asked: string[] = []
    const authenticator = keyAuthenticator({
      ...lookup,
      lookUp: (id) => {
        asked.push(id)
        return lookup.lookUp(id)
      },
    })
    const { key, id } = await fixture.key()
    const revoked = await fixture.key()
    await revokeKey(fixture.as(), revoked.id)
    const expired = await fixture.key({ expiresAt: 1n })
    const bad = [
      `${key.slice(0, -1)}${key.endsWith('A') ? 'E' : 'A'}`,
      `${id}_${'A'.repeat(43)}`,
      `ak_${'0'.repeat(16)}_${'A'.repeat(43)}`,
      id,
      `${key}x`,
      key.toUpperCase(),
      ` ${key}`,
      "ak_' OR 1=1 --",
      'x'.repeat(8192),
      'a.b.c',
      revoked.key,
      expired.key,
    ]
    const answers = []
    for (const bearer of bad) answers.push(await authenticator.authenticate(bearer, NEVER))
    expect(answers).toEqual(bad.map(() => undefined))
    expect(asked).toHaveLength(bad.length)
    expect(await authenticator.authenticate(key, NEVER)).toMatchObject({ keyId: id })
  })
})

describe('permission to manage', () => {
  const on = (relation: 'owner' | 'admin' | 'auditor' | 'member', subject: string) =>
    grantRelation(fixture.as(), fixture.tuple(relation, subject))

  beforeAll(async () => {
    await on('owner', 'user:olga')
    await on('admin', 'user:adam')
    await on('auditor', 'user:audrey')
    await on('member', 'user:mia')
    await grantRelation(fixture.as(), fixture.tuple('owner', 'user:pol', PLATFORM_ANCHOR))
    await grantRelation(fixture.as(), fixture.tuple('admin', 'user:pad', PLATFORM_ANCHOR))
  })

  it.each([
    // [actor, a key, an owner's key, a key for an owner, owner-only, a relation, an owner, a group, the policy]
    ['operator:root', 'done', 'done', 'done', 'denied', 'done', 'done', 'done', 'done'],
    ['user:olga', 'done', 'done', 'done', 'done', 'done', 'done', 'denied', 'done'],
    ['user:adam', 'done', 'denied', 'denied', 'denied', 'done', 'denied', 'denied', 'denied'],
    ['user:audrey', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied'],
    ['user:mia', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied'],
    ['service:olga', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied'],
    ['user: olga', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied'],
    ['user:pol', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'done', 'denied'],
    ['user:pad', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied', 'denied'],
  ])('is as expected for %s', async (actor, ...expected) => {
    const ports = fixture.as(actor)
    const subject = `user:${randomUUID()}`
    const outcomes = [
      await code(fixture.key({ subject }, actor)),
      await code(fixture.key({ subject, relation: 'owner' }, actor)),
      await code(fixture.key({ subject: 'user:olga', relation: 'member' }, actor)),
      await code(fixture.key({ subject, ownerOnly: true }, actor)),
      await code(grantRelation(ports, fixture.tuple('auditor', `user:${randomUUID()}`))),
      await code(grantRelation(ports, fixture.tuple('owner', subject))),
      await code(grantRelation(ports, { object: 'group:g', relation: 'member', subject })),
      await code(setPolicy(ports, fixture.domainId, 'owner-only')),
    ]
    expect(outcomes).toEqual(expected.map((one) => (one === 'denied' ? 'access_denied' : one)))
  })

  it('allows revoking a key, and so does being its subject', async () => {
    const { id } = await fixture.key({ subject: 'user:audrey' })
    expect(await code(revokeKey(fixture.as('user:mia'), id))).toBe('access_denied')
    expect(await revokeKey(fixture.as('user:audrey'), id)).toMatchObject({ record: { state: 'revoked' } })
  })

  it('uses one pseudonym for a person, as actor and as subject of a relation', async () => {
    const pepper = await fixture.writer.pepper.pepperOf(fixture.domainId)
    const before = await lastSeq()
    await grantRelation(fixture.as('user:olga'), fixture.tuple('admin', 'user:olga'))
    const olga = pseudonym(pepper, 'olga')
    expect(await auditRows(before)).toMatchObject([{ subject: olga, object: `user:${olga}` }])
  })
})

describe('a relation', () => {
  it('stays without another row when it was granted before, and cannot be revoked when it is missing', async () => {
    const tuple = fixture.tuple('auditor', 'user:again')
    const first = await grantRelation(fixture.as(), tuple)
    expect(first).toMatchObject({ tuple, auditRows: [{ domainId: fixture.domainId }] })
    expect(await grantRelation(fixture.as(), tuple)).toEqual({ tuple, auditRows: [] })
    const seq = (first.auditRows[0]?.seq ?? 0) + 1
    expect(await revokeRelation(fixture.as(), tuple)).toMatchObject({ tuple, auditRows: [{ seq }] })
    expect(await code(revokeRelation(fixture.as(), tuple))).toBe('relation_not_found')
    expect(await lastSeq()).toBe(seq)
  })

  it('is refused for an unknown Domain', async () => {
    const tuple = fixture.tuple('auditor', 'user:alice', randomUUID())
    expect(await code(grantRelation(fixture.as(), tuple))).toBe('domain_not_found')
  })

  it('is recorded, for a group, on each chain that it gives access to, and on the platform chain', async () => {
    const [one, two] = [await fixture.writer.create(), await fixture.writer.create()]
    const outer = { object: 'group:outer', relation: 'member', subject: 'group:inner#member' } as const
    await grantRelation(fixture.as(), fixture.tuple('auditor', 'group:outer#member', one))
    await grantRelation(fixture.as(), fixture.tuple('admin', 'group:inner#member', two))
    const granted = await grantRelation(fixture.as(), outer)
    expect(granted.auditRows.map(({ domainId }) => domainId).sort()).toEqual([one, PLATFORM_ANCHOR].sort())
    const inner = { object: 'group:inner', relation: 'member', subject: 'user:ivy' } as const
    const joined = await grantRelation(fixture.as(), inner)
    expect(joined.auditRows.map(({ domainId }) => domainId).sort()).toEqual(
      [one, two, PLATFORM_ANCHOR].sort(),
    )
    const pepper = await fixture.writer.pepper.pepperOf(one)
    expect((await auditRows(0, one)).at(-1)).toMatchObject({
      relation: 'audit.relation-grant',
      object: `user:${pseudonym(pepper, 'ivy')}`,
      relation_path: ['group:inner#member'],
    })
    const members = await collected(streamTuples(fixture.relations, { object: 'group:inner' }))
    expect(members).toMatchObject([inner])
  })

  it('can be revoked, like a key, when its chain is too damaged for the row', async () => {
    const domainId = await fixture.writer.create()
    const { id } = await fixture.key({ domainId })
    await asSuperuser(
      fixture.database.url,
      `DELETE FROM audit_log_chain_head WHERE domain_id = '${domainId}'`,
    )
    const platform = await lastSeq(PLATFORM_ANCHOR)
    expect(await code(fixture.key({ domainId }))).toBe('chain_conflict')
    expect(await revokeKey(fixture.as(), id)).toMatchObject({
      record: { state: 'revoked' },
      auditRow: { seq: platform + 1 },
    })
    const ended = await revokeRelation(fixture.as(), fixture.tuple('auditor', 'user:alice', domainId))
    expect(ended.auditRows).toMatchObject([{ domainId: PLATFORM_ANCHOR, seq: platform + 2 }])
  })
})

describe('the erase policy', () => {
  it('writes a row only when it changes', async () => {
    const domainId = await fixture.writer.create()
    expect(await showPolicy(fixture.as(), domainId)).toEqual({ domainId, erase: 'manage' })
    expect(await setPolicy(fixture.as(), domainId, 'owner-only')).toMatchObject({
      erase: 'owner-only',
      auditRow: { seq: 2 },
    })
    expect((await setPolicy(fixture.as(), domainId, 'owner-only')).auditRow).toBeUndefined()
    expect(await showPolicy(fixture.as(), domainId)).toMatchObject({ erase: 'owner-only' })
    expect(await setPolicy(fixture.as(), domainId, 'manage')).toMatchObject({
      erase: 'manage',
      auditRow: { seq: 3 },
    })
    expect(await auditRows(1, domainId)).toMatchObject([
      { relation: 'audit.access-policy', relation_path: ['erase:owner-only'] },
      { relation: 'audit.access-policy', relation_path: ['erase:manage'] },
    ])
    expect(await code(setPolicy(fixture.as(), randomUUID(), 'owner-only'))).toBe('domain_not_found')
  })
})

describe('the references that remain of a person', () => {
  it('are the keys, relations and groups, each with the command that ends it', async () => {
    const domainId = await fixture.writer.create()
    const subject = "user:o'neil"
    const { id } = await fixture.key({ domainId, subject })
    const ended = await fixture.key({ domainId, subject })
    await revokeKey(fixture.as(), ended.id)
    await fixture.key({ domainId: await fixture.writer.create(), subject })
    await grantRelation(fixture.as(), { object: 'group:staff', relation: 'member', subject })
    const remaining = await accessRemaining(fixture, domainId, (name) => name === "o'neil")
    expect(await accessRemaining(fixture, domainId, (name) => name === subject)).toEqual(remaining)
    const quoted = `'user:o'"'"'neil'`
    expect(remaining.map(remainingJson)).toEqual([
      { kind: 'api_key', count: 1, command: `audit key revoke ${id}` },
      {
        kind: 'relation_tuple',
        count: 1,
        command: `audit relation revoke --domain ${domainId} --relation auditor --subject ${quoted}`,
      },
      {
        kind: 'relation_tuple',
        count: 1,
        command: `audit relation revoke --group staff --relation member --subject ${quoted}`,
      },
    ])
    await revokeKey(fixture.as(), id)
    await revokeRelation(fixture.as(), fixture.tuple('auditor', subject, domainId))
    await revokeRelation(fixture.as(), { object: 'group:staff', relation: 'member', subject })
    expect(await accessRemaining(fixture, domainId, (name) => name === "o'neil")).toEqual([])
  })

  it.each([
    ["user:x'$(echo\u00a0evil)'", 'staff'],
    ['user:x;false', 'a|false'],
  ])('have commands that a shell reads as one command, also as printed: %s in %s', async (subject, name) => {
    const domainId = await fixture.writer.create()
    await grantRelation(fixture.as(), { object: `group:${name}`, relation: 'member', subject })
    const remaining = await accessRemaining(fixture, domainId, (one) => one === subject)
    const [{ command } = { command: '' }] = remaining.map(remainingJson)
    const words = execFileSync('bash', ['-c', `audit() { printf '%s\\n' "$@"; }; ${safeText(command)}`], {
      encoding: 'utf8',
    })
    expect(words).toBe(
      `relation\nrevoke\n--group\n${name}\n--relation\nmember\n--subject\n${safeText(subject)}\n`,
    )
  })
})

describe('the roles of the database', () => {
  /** Calls `use` with the stores as a login of that role sees them. */
  async function inRole<T>(
    role: string,
    use: (ports: Management, database: Database) => Promise<T>,
  ): Promise<T> {
    const { url } = fixture.database
    const database = new Database(`${url}${url.includes('?') ? '&' : '?'}options=-crole%3D${role}`)
    const stores = {
      keys: postgresApiKeys(database),
      relations: postgresRelations(database),
      policy: postgresAccessPolicy(database),
      authorizer: tupleAuthorizer(postgresRelationWalk(database)),
    }
    return use({ ...fixture.as('user:olga'), ...stores }, database).finally(() => database.close())
  }

  const request = () =>
    ({ relation: 'auditor', subject: `user:${randomUUID()}`, readOnly: false, ownerOnly: true }) as const

  it('let audit_access manage keys and relations', async () => {
    await inRole('audit_access', async (ports) => {
      const { domainId } = fixture
      const made = await createKey(ports, { domainId, ...request() })
      await revokeKey(ports, made.record.id)
      await revokeRelation(ports, {
        object: `domain:${domainId}`,
        relation: 'auditor',
        subject: made.record.subject ?? '',
      })
      await setPolicy(ports, domainId, 'owner-only')
      expect(await setPolicy(ports, domainId, 'manage')).toMatchObject({ erase: 'manage' })
    })
  })

  it('let audit_writer check credentials, and grant nothing', async () => {
    const { key, id } = await fixture.key()
    await inRole('audit_writer', async (ports, database) => {
      const authenticator = keyAuthenticator(postgresKeyLookup(database))
      expect(await authenticator.authenticate(key, NEVER)).toMatchObject({ keyId: id })
      await expect.poll(async () => (await ports.keys.find(id))?.lastUsedAt).toBeDefined()
      const { domainId } = fixture
      expect(await code(createKey(ports, { domainId, ...request() }))).toBe('database_permission_denied')
      expect(await code(grantRelation(ports, fixture.tuple('owner', 'user:mallory')))).toBe(
        'database_permission_denied',
      )
      expect(await code(revokeKey(ports, id))).toBe('database_permission_denied')
    })
  })
})

it('leaves every chain intact except the one that was damaged', async () => {
  const findings = (await allFindings(fixture.writer)) as { code: string }[]
  expect(findings.map(({ code: finding }) => finding)).toEqual(['head_mismatch'])
})
