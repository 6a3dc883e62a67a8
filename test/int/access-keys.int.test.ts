import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKey, keyJson, revokeKey, streamKeys } from '../../src/access/keys.js'
import type { Management } from '../../src/access/management.js'
import { setPolicy, showPolicy } from '../../src/access/policy.js'
import { grantRelation, revokeRelation, streamTuples, tupleJson } from '../../src/access/relations.js'
import { accessRemaining } from '../../src/access/remaining.js'
import { keyAuthenticator } from '../../src/authz/key-authenticator.js'
import { tupleAuthorizer } from '../../src/authz/tuple-authorizer.js'
import { pseudonym } from '../../src/chain/hash.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { postgresAccessPolicy } from '../../src/repo/access/access-policy.js'
import { postgresKeyLookup } from '../../src/repo/access/api-key-lookup.js'
import { postgresApiKeys } from '../../src/repo/access/api-keys.js'
import { postgresRelations } from '../../src/repo/access/relation-tuples.js'
import { postgresRelationWalk } from '../../src/repo/access/relation-walk.js'
import { Database } from '../../src/repo/session/database.js'
import { AccessGround, NEVER } from '../support/access-ground.js'
import { ACTOR, allFindings } from '../support/append-chains.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

let ground: AccessGround

beforeAll(async () => {
  ground = await AccessGround.make()
})

afterAll(() => ground.close())

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

/** relation, object, relation_path of the rows of a chain from one seq on. */
const told = (from = 0, domainId = ground.domainId) =>
  rowsOf(
    ground.database.url,
    `SELECT encode(subject_pseudonym, 'hex') AS subject, relation, object, relation_path FROM audit_log_entry
     WHERE domain_id = $1 AND seq > $2 ORDER BY seq`,
    [domainId, from],
  )

const lastSeq = async (domainId = ground.domainId) => (await told(0, domainId)).length

describe('a key', () => {
  it('is shown once, kept as a hash, told on its chain, and good until it is revoked', async () => {
    const pepper = await ground.writer.pepper.pepperOf(ground.domainId)
    const before = await lastSeq()
    const { key, id, seq } = await ground.key({ readOnly: true, expiresAt: 4_000_000_000_000_000n })
    expect(key).toMatch(/^ak_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
    expect(key.startsWith(`${id}_`)).toBe(true)
    expect(seq).toBe(before + 1)
    const rows = await rowsOf(ground.database.url, 'SELECT * FROM audit_api_key')
    expect(JSON.stringify(rows)).not.toContain(key.slice(20))
    const object = `domain:${ground.domainId}#auditor`
    const alice = `user:${pseudonym(pepper, 'alice')}`
    const subject = pseudonym(pepper, ACTOR)
    expect(await told(before)).toEqual([
      {
        subject,
        relation: 'audit.key-create',
        object: `apikey:${pseudonym(pepper, id)}`,
        relation_path: [object, alice, 'read-only', 'expires:2096-10-02T07:06:40.000000Z'],
      },
      { subject, relation: 'audit.relation-grant', object: alice, relation_path: [object] },
    ])
    expect(await ground.authenticator.authenticate(key, NEVER)).toEqual({
      subject: 'user:alice',
      subjectId: 'alice',
      keyId: id,
      object: `domain:${ground.domainId}`,
      readOnly: true,
      ownerOnly: false,
    })
    expect(await revokeKey(ground.as(), id)).toMatchObject({ state: 'revoked', seq: before + 3 })
    expect(await ground.authenticator.authenticate(key, NEVER)).toBeUndefined()
    expect((await told(before + 2)).map(({ relation }) => relation)).toEqual(['audit.key-revoke'])
  })

  it('that was revoked stays as it is, without another row, and names nobody any more', async () => {
    const { id } = await ground.key()
    const first = await revokeKey(ground.as(), id)
    const before = await lastSeq()
    const { seq: _seq, entry_hash: _hash, ...same } = first
    expect(await revokeKey(ground.as(), id)).toEqual(same)
    expect(await lastSeq()).toBe(before)
    expect(first).not.toHaveProperty('subject')
    expect(await code(revokeKey(ground.as(), 'ak_0000000000000000'))).toBe('key_not_found')
  })

  it('tells of a relation only where that is new', async () => {
    await ground.key({ subject: 'service:twice' })
    const before = await lastSeq()
    await ground.key({ subject: 'service:twice' })
    expect((await told(before)).map(({ relation }) => relation)).toEqual(['audit.key-create'])
  })

  it('of a Domain that is unknown is not made', async () => {
    expect(await code(ground.key({ domainId: randomUUID() }))).toBe('domain_not_found')
    const keys = await collected(streamKeys(ground.keys, { activeOnly: false }))
    expect(keys.filter(({ domainId }) => domainId !== ground.domainId)).toEqual([])
  })

  it('that cannot be told of is neither made nor granted', async () => {
    const other = await AccessGround.make()
    await asSuperuser(other.database.url, 'DELETE FROM audit_log_chain_head')
    expect(await code(other.key())).toBe('chain_conflict')
    expect(await collected(streamKeys(other.keys, { activeOnly: false }))).toEqual([])
    expect(await collected(streamTuples(other.relations, {}))).toEqual([])
    await other.close()
  })

  it('is listed by its chain and subject, with what it is worth', async () => {
    const domainId = await ground.writer.create()
    const subject = 'service:listed'
    const past = await ground.key({ domainId, subject, expiresAt: 1n })
    const ended = await ground.key({ domainId })
    await revokeKey(ground.as(), ended.id)
    const good = await ground.key({ domainId, subject: 'user:bob', relation: 'admin' })
    const listed = async (filter: object) =>
      (await collected(streamKeys(ground.keys, { activeOnly: false, ...filter }))).map(({ id, state }) => [
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
    const found = await ground.keys.find(good.id)
    expect(found && keyJson(found)).toMatchObject({ subject: 'user:bob', relation: 'admin', state: 'active' })
  })

  it('remembers its last use, to within a minute and not by each request', async () => {
    const lookup = postgresKeyLookup(ground.writer.database)
    let touches = 0
    const authenticator = keyAuthenticator({
      ...lookup,
      touch: async (id) => {
        touches += 1
        await lookup.touch(id)
      },
    })
    const { key, id } = await ground.key()
    const lastUsed = async () => (await ground.keys.find(id))?.lastUsedAt
    for (let request = 0; request < 5; request++) await authenticator.authenticate(key, NEVER)
    await expect.poll(lastUsed).toBeDefined()
    const first = await lastUsed()
    await keyAuthenticator(lookup).authenticate(key, NEVER)
    await lookup.touch(id)
    expect([touches, await lastUsed()]).toEqual([1, first])
  })

  it('is good where its use cannot be written down', async () => {
    const { key } = await ground.key()
    const lookup = { ...postgresKeyLookup(ground.writer.database), touch: () => Promise.reject(new Error()) }
    expect(await keyAuthenticator(lookup).authenticate(key, NEVER)).toBeDefined()
  })
})

describe('what is no good key', () => {
  it('takes one look-up each, and is nothing', async () => {
    const lookup = postgresKeyLookup(ground.writer.database)
    const asked: string[] = []
    const authenticator = keyAuthenticator({
      ...lookup,
      lookUp: (id) => {
        asked.push(id)
        return lookup.lookUp(id)
      },
    })
    const { key, id } = await ground.key()
    const revoked = await ground.key()
    await revokeKey(ground.as(), revoked.id)
    const expired = await ground.key({ expiresAt: 1n })
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

describe('who may manage', () => {
  const on = (relation: 'owner' | 'admin' | 'auditor' | 'member', subject: string) =>
    grantRelation(ground.as(), ground.tuple(relation, subject))

  beforeAll(async () => {
    await on('owner', 'user:olga')
    await on('admin', 'user:adam')
    await on('auditor', 'user:audrey')
    await on('member', 'user:mia')
    await grantRelation(ground.as(), ground.tuple('owner', 'user:pol', PLATFORM_ANCHOR))
    await grantRelation(ground.as(), ground.tuple('admin', 'user:pad', PLATFORM_ANCHOR))
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
  ])('%s', async (actor, ...expected) => {
    const ports = ground.as(actor)
    const subject = `user:${randomUUID()}`
    const outcomes = [
      await code(ground.key({ subject }, actor)),
      await code(ground.key({ subject, relation: 'owner' }, actor)),
      await code(ground.key({ subject: 'user:olga', relation: 'member' }, actor)),
      await code(ground.key({ subject, ownerOnly: true }, actor)),
      await code(grantRelation(ports, ground.tuple('auditor', `user:${randomUUID()}`))),
      await code(grantRelation(ports, ground.tuple('owner', subject))),
      await code(grantRelation(ports, { object: 'group:g', relation: 'member', subject })),
      await code(setPolicy(ports, ground.domainId, 'owner-only')),
    ]
    expect(outcomes).toEqual(expected.map((one) => (one === 'denied' ? 'access_denied' : one)))
  })

  it('is who ends a key, or whose it is', async () => {
    const { id } = await ground.key({ subject: 'user:audrey' })
    expect(await code(revokeKey(ground.as('user:mia'), id))).toBe('access_denied')
    expect(await revokeKey(ground.as('user:audrey'), id)).toMatchObject({ state: 'revoked' })
  })

  it('acts under one pseudonym, as an actor and as who got a relation', async () => {
    const pepper = await ground.writer.pepper.pepperOf(ground.domainId)
    const before = await lastSeq()
    await grantRelation(ground.as('user:olga'), ground.tuple('admin', 'user:olga'))
    const olga = pseudonym(pepper, 'olga')
    expect(await told(before)).toMatchObject([{ subject: olga, object: `user:${olga}` }])
  })
})

describe('a relation', () => {
  it('that was granted stays, without another row; one that was not cannot be revoked', async () => {
    const tuple = ground.tuple('auditor', 'user:again')
    const first = await grantRelation(ground.as(), tuple)
    expect(first).toMatchObject({ ...tuple, changed: true, rows: [{ domain_id: ground.domainId }] })
    expect(await grantRelation(ground.as(), tuple)).toEqual({ ...tuple, changed: false, rows: [] })
    const seq = (first.rows[0]?.seq ?? 0) + 1
    expect(await revokeRelation(ground.as(), tuple)).toMatchObject({ changed: true, rows: [{ seq }] })
    expect(await code(revokeRelation(ground.as(), tuple))).toBe('relation_not_found')
    expect(await lastSeq()).toBe(seq)
  })

  it('of a Domain that is unknown is refused', async () => {
    const tuple = ground.tuple('auditor', 'user:alice', randomUUID())
    expect(await code(grantRelation(ground.as(), tuple))).toBe('domain_not_found')
  })

  it('to a group is told on each chain that it opens, and on the platform chain', async () => {
    const [one, two] = [await ground.writer.create(), await ground.writer.create()]
    const outer = { object: 'group:outer', relation: 'member', subject: 'group:inner#member' } as const
    await grantRelation(ground.as(), ground.tuple('auditor', 'group:outer#member', one))
    await grantRelation(ground.as(), ground.tuple('admin', 'group:inner#member', two))
    const { rows } = await grantRelation(ground.as(), outer)
    expect(rows.map(({ domain_id }) => domain_id).sort()).toEqual([one, PLATFORM_ANCHOR].sort())
    const inner = { object: 'group:inner', relation: 'member', subject: 'user:ivy' } as const
    const joined = await grantRelation(ground.as(), inner)
    expect(joined.rows.map(({ domain_id }) => domain_id).sort()).toEqual([one, two, PLATFORM_ANCHOR].sort())
    const pepper = await ground.writer.pepper.pepperOf(one)
    expect((await told(0, one)).at(-1)).toMatchObject({
      relation: 'audit.relation-grant',
      object: `user:${pseudonym(pepper, 'ivy')}`,
      relation_path: ['group:inner#member'],
    })
    const members = await collected(streamTuples(ground.relations, { object: 'group:inner' }))
    expect(members.map(tupleJson)).toMatchObject([inner])
  })

  it('and a key end although their chain is too damaged to take the row', async () => {
    const domainId = await ground.writer.create()
    const { id } = await ground.key({ domainId })
    await asSuperuser(ground.database.url, `DELETE FROM audit_log_chain_head WHERE domain_id = '${domainId}'`)
    const platform = await lastSeq(PLATFORM_ANCHOR)
    expect(await code(ground.key({ domainId }))).toBe('chain_conflict')
    expect(await revokeKey(ground.as(), id)).toMatchObject({ state: 'revoked', seq: platform + 1 })
    const ended = await revokeRelation(ground.as(), ground.tuple('auditor', 'user:alice', domainId))
    expect(ended.rows).toMatchObject([{ domain_id: PLATFORM_ANCHOR, seq: platform + 2 }])
  })
})

describe('the policy of erasing', () => {
  it('is a row where it changes', async () => {
    const domainId = await ground.writer.create()
    expect(await showPolicy(ground.as(), domainId)).toEqual({ domain_id: domainId, erase: 'manage' })
    expect(await setPolicy(ground.as(), domainId, 'owner-only')).toMatchObject({
      erase: 'owner-only',
      seq: 2,
    })
    expect(await setPolicy(ground.as(), domainId, 'owner-only')).not.toHaveProperty('seq')
    expect(await showPolicy(ground.as(), domainId)).toMatchObject({ erase: 'owner-only' })
    expect(await setPolicy(ground.as(), domainId, 'manage')).toMatchObject({ erase: 'manage', seq: 3 })
    expect(await told(1, domainId)).toMatchObject([
      { relation: 'audit.access-policy', relation_path: ['erase:owner-only'] },
      { relation: 'audit.access-policy', relation_path: ['erase:manage'] },
    ])
    expect(await code(setPolicy(ground.as(), randomUUID(), 'owner-only'))).toBe('domain_not_found')
  })
})

describe('what remains of a person', () => {
  it('is their keys and relations of the chain and their groups, each with the command that ends it', async () => {
    const domainId = await ground.writer.create()
    const subject = "user:o'neil"
    const { id } = await ground.key({ domainId, subject })
    const ended = await ground.key({ domainId, subject })
    await revokeKey(ground.as(), ended.id)
    await ground.key({ domainId: await ground.writer.create(), subject })
    await grantRelation(ground.as(), { object: 'group:staff', relation: 'member', subject })
    const remaining = await accessRemaining(ground, domainId, (name) => name === "o'neil")
    expect(await accessRemaining(ground, domainId, (name) => name === subject)).toEqual(remaining)
    const quoted = `'user:o'"'"'neil'`
    expect(remaining).toEqual([
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
    await revokeKey(ground.as(), id)
    await revokeRelation(ground.as(), ground.tuple('auditor', subject, domainId))
    await revokeRelation(ground.as(), { object: 'group:staff', relation: 'member', subject })
    expect(await accessRemaining(ground, domainId, (name) => name === "o'neil")).toEqual([])
  })

  it.each([
    ["user:x'$(echo\u00a0evil)'", 'staff'],
    ['user:x;false', 'a|false'],
  ])('its commands are one command to a shell, also as they are printed: %s in %s', async (subject, name) => {
    const domainId = await ground.writer.create()
    await grantRelation(ground.as(), { object: `group:${name}`, relation: 'member', subject })
    const [{ command } = { command: '' }] = await accessRemaining(ground, domainId, (one) => one === subject)
    const words = execFileSync('bash', ['-c', `audit() { printf '%s\\n' "$@"; }; ${safeText(command)}`], {
      encoding: 'utf8',
    })
    expect(words).toBe(
      `relation\nrevoke\n--group\n${name}\n--relation\nmember\n--subject\n${safeText(subject)}\n`,
    )
  })
})

describe('the roles of the database', () => {
  /** The stores as a login of that role has them. */
  async function inRole<T>(
    role: string,
    use: (ports: Management, database: Database) => Promise<T>,
  ): Promise<T> {
    const { url } = ground.database
    const database = new Database(`${url}${url.includes('?') ? '&' : '?'}options=-crole%3D${role}`)
    const stores = {
      keys: postgresApiKeys(database),
      relations: postgresRelations(database),
      policy: postgresAccessPolicy(database),
      authorizer: tupleAuthorizer(postgresRelationWalk(database)),
    }
    return use({ ...ground.as('user:olga'), ...stores }, database).finally(() => database.close())
  }

  const request = () =>
    ({ relation: 'auditor', subject: `user:${randomUUID()}`, readOnly: false, ownerOnly: true }) as const

  it('audit_access manages', async () => {
    await inRole('audit_access', async (ports) => {
      const { domainId } = ground
      const made = await createKey(ports, { domainId, ...request() })
      await revokeKey(ports, made.id)
      await revokeRelation(ports, {
        object: `domain:${domainId}`,
        relation: 'auditor',
        subject: made.subject ?? '',
      })
      await setPolicy(ports, domainId, 'owner-only')
      expect(await setPolicy(ports, domainId, 'manage')).toMatchObject({ erase: 'manage' })
    })
  })

  it('audit_writer serves, and lets nobody in', async () => {
    const { key, id } = await ground.key()
    await inRole('audit_writer', async (ports, database) => {
      const authenticator = keyAuthenticator(postgresKeyLookup(database))
      expect(await authenticator.authenticate(key, NEVER)).toMatchObject({ keyId: id })
      await expect.poll(async () => (await ports.keys.find(id))?.lastUsedAt).toBeDefined()
      const { domainId } = ground
      expect(await code(createKey(ports, { domainId, ...request() }))).toBe('database_permission_denied')
      expect(await code(grantRelation(ports, ground.tuple('owner', 'user:mallory')))).toBe(
        'database_permission_denied',
      )
      expect(await code(revokeKey(ports, id))).toBe('database_permission_denied')
    })
  })
})

it('leaves every chain intact but the one that was damaged', async () => {
  const findings = (await allFindings(ground.writer)) as { code: string }[]
  expect(findings.map(({ code: finding }) => finding)).toEqual(['head_mismatch'])
})
