import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfAuditItem } from '../../src/append/self-audit-item.js'
import { pseudonym } from '../../src/chain/hash.js'
import { SELF_AUDIT } from '../../src/chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { DEFAULT_POLICY } from '../../src/erasure/retention.js'
import type { RelationTuple } from '../../src/ports/relations.js'
import { postgresAccessPolicy } from '../../src/repo/access/access-policy.js'
import { postgresApiKeys } from '../../src/repo/access/api-keys.js'
import { postgresRelations } from '../../src/repo/access/relation-tuples.js'
import { postgresDomainNames } from '../../src/repo/append/name-domain.js'
import { postgresErasureStore } from '../../src/repo/erasure/erase.js'
import { postgresHoldStore } from '../../src/repo/erasure/holds.js'
import { postgresRetentionStore } from '../../src/repo/erasure/retention.js'
import { postgresReconcile } from '../../src/repo/reconcile/reconcile.js'
import { postgresRestoreTarget } from '../../src/repo/restore/restore.js'
import { type Client, Database } from '../../src/repo/session/database.js'
import { assertEndStates, type EndState } from '../../src/repo/session/end-state.js'
import { ACTOR, Writer } from '../support/append-chains.js'
import { oldChain } from '../support/old-chain.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

/** A database in which something happens between the COMMIT of the next change and the look at its end state. */
class Between extends Database {
  between: (() => Promise<unknown>) | undefined

  override async withTransaction<T>(
    begin: string,
    use: (client: Client) => Promise<T>,
    ...endStates: readonly EndState<T>[]
  ): Promise<T> {
    const { between } = this
    if (between === undefined || endStates.length === 0)
      return super.withTransaction(begin, use, ...endStates)
    this.between = undefined
    const result = await super.withTransaction(begin, use)
    await between()
    const client = await this.dedicated()
    try {
      await assertEndStates(client, this.beginning('BEGIN'), endStates, result)
    } finally {
      await client.end()
    }
    return result
  }
}

let database: TestDatabase
let writer: Writer
let changer: Between

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  changer = new Between(database.url)
})

afterAll(async () => {
  await changer.close()
  await writer.close()
  await database.drop()
})

/** Returns the self-audit row of an act on a chain. */
async function audit(relation: string, domainId: string, object = `domain:${domainId}`) {
  const pepper = await writer.pepper.pepperOf(domainId)
  return selfAuditItem({ domainId, actor: ACTOR, pepper }, [{ relation, object, relationPath: [] }])
}

const personal = { context: { ip: '192.0.2.1' }, subject: { plaintext: 'Alice A.' } }

async function peopled(): Promise<string> {
  const domainId = await writer.create()
  await writer.record(domainId, personal)
  return domainId
}

/** A change, and what another program does since. Each takes the database that it works on, and the Domain. */
interface Row {
  readonly name: string
  readonly make?: () => Promise<string>
  readonly first?: (on: Database, domainId: string) => Promise<unknown>
  readonly change: (on: Database, domainId: string) => Promise<unknown>
  readonly since: (on: Database, domainId: string) => Promise<unknown>
}

const tuple = (domainId: string): RelationTuple => ({
  object: `domain:${domainId}`,
  relation: 'owner',
  subject: 'user:olga',
})
const grant = async (on: Database, id: string) =>
  postgresRelations(on).grant(tuple(id), await audit(SELF_AUDIT.relationGrant, id))
const revoke = async (on: Database, id: string) =>
  postgresRelations(on).revoke(tuple(id), await audit(SELF_AUDIT.relationRevoke, id))

async function place(on: Database, domainId: string) {
  const row = await audit(SELF_AUDIT.holdPlace, domainId)
  return postgresHoldStore(on).place({ domainId }, 'case', () => row)
}

async function release(on: Database, domainId: string) {
  const store = postgresHoldStore(on)
  const [hold] = await store.page({ domainId, inForceOnly: true }, { after: 0, limit: 1 })
  if (hold === undefined) throw new Error('no hold is in force')
  return store.release(hold, 'closed', await audit(SELF_AUDIT.holdRelease, domainId))
}

async function erase(on: Database, domainId: string, block = false) {
  const subject = { domainId, pseudonym: pseudonym(await writer.pepper.pepperOf(domainId), 'alice') }
  const row = await audit(SELF_AUDIT.eraseIdentity, domainId, `identity:${subject.pseudonym}`)
  return postgresErasureStore(on).erase(subject, { block }, () => row)
}

const setPolicy = async (on: Database, domainId: string, personalDays: number) =>
  postgresRetentionStore(on, DEFAULT_POLICY).set(
    domainId,
    { chainYears: 7, personalDays },
    await audit(SELF_AUDIT.retentionSet, domainId),
  )

async function purge(on: Database, domainId: string) {
  const row = await audit(SELF_AUDIT.retentionPurge, domainId)
  const from = { afterSeq: 0, upTo: 100, afterPseudonym: '' }
  return postgresRetentionStore(on, DEFAULT_POLICY).purge(domainId, from, 100, () => row)
}

const setOwnerOnly = async (on: Database, domainId: string, value: boolean) =>
  postgresAccessPolicy(on).setEraseOwnerOnly(domainId, value, await audit(SELF_AUDIT.accessPolicy, domainId))

async function createKey(on: Database, domainId: string) {
  const row = await audit(SELF_AUDIT.keyCreate, domainId)
  const granted = await audit(SELF_AUDIT.relationGrant, domainId)
  const both = { ...row, rows: [...row.rows, ...granted.rows] }
  const key = {
    ...{ id: keyOf(domainId), secretHash: 'ab'.repeat(32), domainId, subject: 'user:olga' },
    ...{ relation: 'owner' as const, readOnly: false, ownerOnly: false },
  }
  return postgresApiKeys(on).create(key, tuple(domainId), (isGranted) => (isGranted ? both : row))
}

const keyOf = (domainId: string) => `ak_${domainId.replaceAll('-', '').slice(0, 16)}`
const revokeKey = async (on: Database, domainId: string) =>
  postgresApiKeys(on).revoke(keyOf(domainId), await audit(SELF_AUDIT.keyRevoke, domainId))

async function name(on: Database, domainId: string, text: string) {
  const item = await audit(SELF_AUDIT.domainName, PLATFORM_ANCHOR, `domain:${domainId}`)
  return postgresDomainNames(on).rename(domainId, text, item)
}

/** Makes a chain whose rows have no head, as a restore leaves it before its end. */
async function headless(): Promise<string> {
  const domainId = await oldChain(writer.database, writer.pepper, [{ subject: 'alice', daysAgo: 3 }])
  await asSuperuser(
    database.url,
    `DELETE FROM audit_log_chain_head WHERE domain_id = '${domainId}'; DELETE FROM audit_domain WHERE domain_id = '${domainId}'`,
  )
  return domainId
}

async function finish(on: Database, domainId: string) {
  const last = await writer.database.read((client) =>
    client.query<{ seq: string; hash: string }>(
      `SELECT seq, encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq DESC LIMIT 1`,
      [domainId],
    ),
  )
  const [row] = last.rows
  const head = { seq: Number(row?.seq), hash: row?.hash ?? '' }
  return postgresRestoreTarget(on).finish(domainId, head, { createdAt: 0n })
}

const again = (_on: Database, domainId: string) => writer.record(domainId, personal)

const ROWS: readonly Row[] = [
  { name: 'a hold that another program releases', change: place, since: release },
  { name: 'a relation that another program revokes', change: grant, since: revoke },
  { name: 'a revocation that another program reverses', first: grant, change: revoke, since: grant },
  { name: 'a key that another program revokes', change: createKey, since: revokeKey },
  { name: 'a key whose relation another program revokes', change: createKey, since: revoke },
  {
    name: 'a retention policy that another program sets anew',
    change: (on, id) => setPolicy(on, id, 30),
    since: (on, id) => setPolicy(on, id, 60),
  },
  {
    name: 'an access policy that another program sets anew',
    change: (on, id) => setOwnerOnly(on, id, true),
    since: (on, id) => setOwnerOnly(on, id, false),
  },
  {
    name: 'the name of a Domain that another program names anew',
    change: (on, id) => name(on, id, 'orders'),
    since: (on, id) => name(on, id, 'invoices'),
  },
  { name: 'an erasure of a person who comes back', make: peopled, change: erase, since: again },
  {
    name: 'an erasure of a person who is then held, and whose hold is released',
    make: peopled,
    change: erase,
    since: async (on, id) => {
      await place(on, id)
      await release(on, id)
    },
  },
  { name: 'an erasure of a person who is then erased again', make: peopled, change: erase, since: erase },
  {
    name: 'a block of a person who comes back',
    make: peopled,
    change: (on, id) => erase(on, id, true),
    since: again,
  },
  {
    name: 'a purge of a person who comes back',
    make: () => oldChain(writer.database, writer.pepper, [{ subject: 'alice', daysAgo: 500 }]),
    change: purge,
    since: again,
  },
  { name: 'the end of a restore, and rows after it', make: headless, change: finish, since: again },
  {
    name: 'progress that another server has overtaken',
    change: (on, domainId) => postgresReconcile(on).keep({ domainId, verified: { seq: 1, hash: undefined } }),
    since: (on, domainId) => postgresReconcile(on).keep({ domainId, verified: { seq: 2, hash: undefined } }),
  },
]

describe('a look after COMMIT', () => {
  it.each(ROWS)('accepts $name', async ({ make = () => writer.create(), first, change, since }) => {
    const domainId = await make()
    await first?.(writer.database, domainId)
    let happened = false
    changer.between = async () => {
      await since(writer.database, domainId)
      happened = true
    }
    await change(changer, domainId)
    expect(happened).toBe(true)
  })

  it.each(ROWS)(
    'that fails leaves $name unknown, and names it',
    async ({ make = () => writer.create(), first, change }) => {
      const domainId = await make()
      await first?.(writer.database, domainId)
      changer.between = () => asSuperuser(database.url, 'ALTER SCHEMA public RENAME TO hidden')
      const changed = change(changer, domainId).finally(() =>
        asSuperuser(database.url, 'ALTER SCHEMA hidden RENAME TO public'),
      )
      await expect(changed).rejects.toMatchObject({
        code: 'outcome_unknown',
        message: expect.stringMatching(
          new RegExp(`^Postgres acknowledged .*${domainId}.*written or not is unknown$`),
        ),
      })
    },
  )
})
