import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SIGNED_RELATION } from '../../src/chain/log/signed-row.js'
import { PLATFORM_OBJECT, SELF_AUDIT } from '../../src/chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { HeadsRow, SignedHead, SignerStore, TreeTile } from '../../src/ports/signer.js'
import { Database } from '../../src/repo/session/database.js'
import { measuredReads } from '../../src/repo/session/explain.js'
import { SIGNED, WITHOUT_SORT } from '../../src/repo/signer/signed-rows.js'
import { postgresSigningLedger, signedStates } from '../../src/repo/signer/signed-state.js'
import { postgresSignerStore } from '../../src/repo/signer/signer-store.js'
import { allFindings, chainLength, entryFor, testPepper, Writer } from '../support/append-chains.js'
import { stampSql } from '../support/archive-stamps.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

/** A login with the role audit_signer alone. */
const LOGIN = `signer_${process.pid}`

let database: TestDatabase
let writer: Writer
let signers: Database[]
let store: SignerStore
let other: SignerStore

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url, testPepper())
  await rowsOf(database.url, `CREATE ROLE ${LOGIN} LOGIN IN ROLE audit_signer`)
  const url = database.url.replace('postgres@', `${LOGIN}@`)
  signers = [new Database(url), new Database(url)]
  ;[store, other] = signers.map(postgresSignerStore) as [SignerStore, SignerStore]
})

afterAll(async () => {
  await writer.close()
  await Promise.all(signers.map((signer) => signer.close()))
  await rowsOf(database.url, `DROP ROLE ${LOGIN}`)
  await database.drop()
})

const query = (sql: string, values: unknown[] = []) => rowsOf(database.url, sql, values)

/** Creates a chain with this many rows, the genesis row included. */
async function chainOf(rows: number): Promise<string> {
  const domainId = await writer.create()
  if (rows > 1)
    await writer.sink.recordGroup(
      Array.from({ length: rows - 1 }, () => entryFor(domainId)),
      'stop',
    )
  return domainId
}

const stamp = (domainId: string, seqs: readonly number[]) =>
  query(stampSql(`domain_id = '${domainId}' AND seq = ANY ('{${seqs.join()}}')`))

function head(domainId: string, size: number, change: Partial<SignedHead> = {}): SignedHead {
  const [root, entryHash] = ['ab'.repeat(32), 'cd'.repeat(32)]
  return { domainId, incarnation: 1, size, root, entryHash, note: `${domainId}\n${size}\n`, ...change }
}

/** A row with heads. Nothing checks its signature here. */
function headsRow(...heads: readonly SignedHead[]): HeadsRow {
  const items = heads.map(
    ({ domainId, size, root, entryHash }) => `head:${domainId}:1:${size}:${root}:${entryHash}`,
  )
  const row = { relation: SIGNED_RELATION.checkpoint, object: PLATFORM_OBJECT, relationPath: [...items, SIG] }
  return { row, heads }
}

const SIG = `sig:0123abcd:${Buffer.alloc(64, 3).toString('base64')}`

const indexOf = (domainId: string) =>
  query(
    `SELECT size::int, encode(root, 'hex') AS root, platform_seq::int FROM audit_checkpoint
     WHERE domain_id = $1 ORDER BY incarnation, size`,
    [domainId],
  )

describe('growth', () => {
  interface Case {
    readonly name: string
    readonly rows: number
    readonly stamped: readonly number[]
    readonly indexed?: number
    readonly incarnation?: number
    readonly attack?: string
    /** What a look at the grown chains finds; undefined where the chain is not among them. */
    readonly grown: { lastSeq: number; indexedSize: number } | undefined
  }
  const CASES: readonly Case[] = [
    { name: 'without a stamp', rows: 3, stamped: [], grown: undefined },
    { name: 'with every stamp', rows: 3, stamped: [1, 2, 3], grown: { lastSeq: 3, indexedSize: 0 } },
    {
      name: 'with stamps up to row 2',
      rows: 3,
      stamped: [1, 2],
      grown: { lastSeq: 3, indexedSize: 0 },
    },
    { name: 'that is signed up to its end', rows: 3, stamped: [1, 2, 3], indexed: 3, grown: undefined },
    { name: 'that is signed up to its last stamp', rows: 4, stamped: [1, 2], indexed: 2, grown: undefined },
    {
      name: 'that grew after it was signed',
      rows: 5,
      stamped: [1, 2, 3, 4],
      indexed: 2,
      grown: { lastSeq: 5, indexedSize: 2 },
    },
    {
      name: 'with a row that the archiver holds back, and stamps after it',
      rows: 5,
      stamped: [1, 2, 4],
      indexed: 2,
      grown: { lastSeq: 5, indexedSize: 2 },
    },
    {
      name: 'that was signed over such a row',
      rows: 6,
      stamped: [1, 2, 4, 5],
      indexed: 4,
      grown: { lastSeq: 6, indexedSize: 4 },
    },
    { name: 'that is shorter than its signed head', rows: 2, stamped: [1, 2], indexed: 9, grown: undefined },
    {
      name: 'with a head of another incarnation in the index',
      rows: 2,
      stamped: [1, 2],
      indexed: 2,
      incarnation: 2,
      grown: { lastSeq: 2, indexedSize: 0 },
    },
    {
      name: 'whose chain head is too low',
      rows: 4,
      stamped: [1, 2, 3, 4],
      indexed: 2,
      attack: 'UPDATE audit_log_chain_head SET next_seq = 3 WHERE domain_id = @chain',
      grown: undefined,
    },
    {
      name: 'whose chain head is gone',
      rows: 2,
      stamped: [1, 2],
      attack: 'DELETE FROM audit_log_chain_head WHERE domain_id = @chain',
      grown: undefined,
    },
    {
      name: 'whose chain head is beyond every seq',
      rows: 2,
      stamped: [1, 2],
      attack: 'UPDATE audit_log_chain_head SET next_seq = 9007199254740992 WHERE domain_id = @chain',
      grown: { lastSeq: 2, indexedSize: 0 },
    },
    {
      name: 'with a row missing after its signed head',
      rows: 4,
      stamped: [1, 2, 3, 4],
      indexed: 2,
      attack: 'DELETE FROM audit_log_entry WHERE domain_id = @chain AND seq = 3',
      grown: { lastSeq: 4, indexedSize: 2 },
    },
  ]

  it.each(CASES)(
    'finds a chain $name as it is',
    async ({ rows, stamped, indexed, incarnation, attack, grown }) => {
      const domainId = await chainOf(rows)
      await stamp(domainId, stamped)
      if (indexed !== undefined)
        await store.index([head(domainId, indexed, { incarnation: incarnation ?? 1 })])
      if (attack !== undefined) await asSuperuser(database.url, attack.replaceAll('@chain', `'${domainId}'`))
      const here = (chains: readonly { domainId: string }[]) =>
        chains.filter((one) => one.domainId === domainId)
      const expected = grown === undefined ? [] : [{ domainId, incarnation: 1, ...grown }]
      expect(here(await store.growth(false))).toEqual(expected)
      const [one] = here(await store.growth(true))
      expect(one).toMatchObject({
        lastSeq: rows,
        indexedSize: incarnation === undefined ? (indexed ?? 0) : 0,
      })
      await asSuperuser(database.url, `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}'`)
      expect(here(await store.growth(true))).toEqual([])
      await remove(domainId)
    },
  )

  it('finds the platform chain where it has grown', async () => {
    const length = await chainLength(writer, PLATFORM_ANCHOR)
    await stamp(
      PLATFORM_ANCHOR,
      Array.from({ length }, (_, i) => i + 1),
    )
    const found = async () => (await store.growth(false)).find((one) => one.domainId === PLATFORM_ANCHOR)
    expect(await found()).toEqual({
      domainId: PLATFORM_ANCHOR,
      incarnation: 1,
      lastSeq: length,
      indexedSize: 0,
    })
    await store.index([head(PLATFORM_ANCHOR, length)])
    expect(await found()).toBeUndefined()
  })
})

/** Removes what is left of a chain, so that the log is intact again. */
async function remove(domainId: string): Promise<void> {
  const tables = ['audit_log_chain_head', 'audit_domain', 'audit_checkpoint']
  for (const table of tables)
    await asSuperuser(database.url, `DELETE FROM ${table} WHERE domain_id = '${domainId}'`)
}

describe('an append of signed rows', () => {
  it('is rows of an ordinary, intact chain, and their heads in the index', async () => {
    const [one, two] = [await chainOf(3), await chainOf(2)]
    const before = await chainLength(writer, PLATFORM_ANCHOR)
    const rows = [headsRow(head(one, 2), head(two, 2)), headsRow(head(one, 3)), headsRow()]
    const seqs = await store.append(rows)
    expect(seqs).toEqual([before + 1, before + 2, before + 3])
    expect(await chainLength(writer, PLATFORM_ANCHOR)).toBe(before + 3)
    expect(await indexOf(one)).toEqual([
      { size: 2, root: 'ab'.repeat(32), platform_seq: before + 1 },
      { size: 3, root: 'ab'.repeat(32), platform_seq: before + 2 },
    ])
    expect(await indexOf(two)).toEqual([{ size: 2, root: 'ab'.repeat(32), platform_seq: before + 1 }])
    const stored = await query(
      `SELECT e.relation, e.object, e.reason, e.relation_path, e.caveat_context, e.correlation_id, e.zedtoken,
         e.subject_pseudonym = f.subject_pseudonym AS is_first_subject
       FROM audit_log_entry e JOIN audit_log_entry f ON f.domain_id = e.domain_id AND f.seq = 1
       WHERE e.domain_id = $1 AND e.seq > $2 ORDER BY e.seq`,
      [PLATFORM_ANCHOR, before],
    )
    const { row } = headsRow(head(one, 3))
    expect(stored).toHaveLength(3)
    expect(stored[1]).toEqual({
      relation: row.relation,
      object: row.object,
      reason: 1,
      relation_path: row.relationPath,
      caveat_context: [],
      correlation_id: '',
      zedtoken: '',
      is_first_subject: true,
    })
    expect(await query('SELECT FROM audit_subject_pii WHERE domain_id = $1', [PLATFORM_ANCHOR])).toEqual([])
    await chainsAreIntact()
  })

  it('takes the largest row: 63 heads of 199 bytes and a signature', async () => {
    const heads = Array.from({ length: 63 }, (_, at) => head(idAt(at), Number.MAX_SAFE_INTEGER))
    const [seq] = await store.append([headsRow(...heads)])
    const [read] = (await store.signedRows(SIGNED_RELATION.checkpoint, 1)) ?? []
    expect(read).toEqual({ seq, ...headsRow(...heads).row })
    await chainsAreIntact()
  })

  it('writes nothing for no rows', async () => {
    const before = await chainLength(writer, PLATFORM_ANCHOR)
    expect(await store.append([])).toEqual([])
    await store.index([])
    await store.putTiles([])
    expect(await chainLength(writer, PLATFORM_ANCHOR)).toBe(before)
  })

  it('keeps the head that the index has', async () => {
    const domainId = await chainOf(2)
    await store.index([head(domainId, 2)])
    await store.index([head(domainId, 2, { root: 'ef'.repeat(32) })])
    await store.append([headsRow(head(domainId, 2, { root: '01'.repeat(32) }))])
    expect(await indexOf(domainId)).toEqual([{ size: 2, root: 'ab'.repeat(32), platform_seq: null }])
  })

  it('of two signers and a writer at once leaves one intact chain', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => chainOf(2)))
    const before = await chainLength(writer, PLATFORM_ANCHOR)
    const heads = ids.map((domainId) => head(domainId, 2))
    const seqs = await Promise.all([
      ...[store, other].flatMap((signer, at) =>
        ids.map(() => signer.append([headsRow(...(at === 0 ? heads : heads.toReversed()))])),
      ),
      ...ids.map(async () => [(await writer.record(PLATFORM_ANCHOR))[0]?.seq]),
    ])
    const expected = Array.from({ length: 18 }, (_, at) => before + 1 + at)
    expect(seqs.flat().sort((a, b) => Number(a) - Number(b))).toEqual(expected)
    for (const domainId of ids) expect(await indexOf(domainId)).toHaveLength(1)
    await chainsAreIntact()
  })

  const WITHHELD = [
    { name: 'the heads of the index', table: 'audit_checkpoint', code: 'write_undone' },
    { name: 'the rows', table: 'audit_log_entry', code: 'database_failed' },
  ]
  it.each(WITHHELD)('leaves nothing where a trigger withholds $name', async ({ table, code }) => {
    const domainId = await chainOf(2)
    const before = await chainLength(writer, PLATFORM_ANCHOR)
    await query(`CREATE FUNCTION withhold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
    await query(`CREATE TRIGGER withhold BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION withhold()`)
    try {
      await expect(store.append([headsRow(head(domainId, 2))])).rejects.toMatchObject({ code })
      if (table === 'audit_checkpoint')
        await expect(store.index([head(domainId, 2)])).rejects.toMatchObject({ code })
    } finally {
      await query('DROP FUNCTION withhold CASCADE')
    }
    expect(await chainLength(writer, PLATFORM_ANCHOR)).toBe(before)
    expect(await indexOf(domainId)).toEqual([])
  })

  it('rejects with write_undone where a deferred trigger removes the heads at COMMIT', async () => {
    const domainId = await chainOf(2)
    await query(`CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
      SET LOCAL session_replication_role = replica; DELETE FROM audit_checkpoint WHERE domain_id = NEW.domain_id;
      SET LOCAL session_replication_role = origin; RETURN NULL; END $$`)
    await query(`CREATE CONSTRAINT TRIGGER undo AFTER INSERT ON audit_checkpoint DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION undo()`)
    try {
      const append = store.append([headsRow(head(domainId, 2))])
      await expect(append).rejects.toMatchObject({
        code: 'write_undone',
        message: expect.stringContaining('1 signed heads in the index'),
      })
    } finally {
      await query('DROP FUNCTION undo CASCADE')
    }
  })
})

const idAt = (at: number) => `01900000-0000-7000-8000-${String(at).padStart(12, '0')}`

async function chainsAreIntact(): Promise<void> {
  const created = await rowsOf(database.url, 'SELECT domain_id FROM audit_domain')
  const findings = (await allFindings(writer)) as { domainId: string }[]
  expect(findings.filter(({ domainId }) => created.some((one) => one.domain_id === domainId))).toEqual([])
  expect(findings.filter(({ domainId }) => domainId === PLATFORM_ANCHOR)).toEqual([])
}

describe('an append to another platform chain', () => {
  let own: TestDatabase
  let ownWriter: Writer
  let ownStore: SignerStore
  let login: Database

  beforeAll(async () => {
    own = await testDatabase()
    ownWriter = new Writer(own.url, testPepper())
    login = new Database(own.url.replace('postgres@', `${LOGIN}@`))
    ownStore = postgresSignerStore(login)
  })
  afterAll(async () => {
    await ownWriter.close()
    await login.close()
    await own.drop()
  })
  afterEach(async () => {
    const left = await rowsOf(own.url, 'SELECT FROM audit_checkpoint')
    expect(left).toEqual([])
  })

  it('rejects with nothing_to_sign where there is none', async () => {
    await expect(ownStore.append([headsRow(head(randomUUID(), 1))])).rejects.toMatchObject({
      code: 'nothing_to_sign',
    })
    expect(await ownStore.createdChains()).toEqual([])
    expect(await ownStore.growth(true)).toEqual([])
    expect(await ownStore.signedRows(SIGNED_RELATION.checkpoint)).toEqual([])
  })

  const DAMAGE = [
    ['its head is missing', 'DELETE FROM audit_log_chain_head WHERE domain_id = @chain'],
    ['its genesis row is missing', 'DELETE FROM audit_log_entry WHERE domain_id = @chain AND seq = 1'],
    ['but the last row is row 1', 'DELETE FROM audit_log_entry WHERE domain_id = @chain AND seq = 2'],
    ['but row 2 has', `UPDATE audit_log_chain_head SET head_hash = sha256('x') WHERE domain_id = @chain`],
    ['but row 2 exists', 'UPDATE audit_log_chain_head SET next_seq = 2 WHERE domain_id = @chain'],
  ] as const
  it.each(DAMAGE)('rejects with chain_conflict where %s', async (message, attack) => {
    const damaged = await testDatabase()
    const [before, after] = [new Writer(damaged.url, testPepper()), new Database(damaged.url)]
    await before.create()
    await asSuperuser(damaged.url, attack.replace('@chain', `'${PLATFORM_ANCHOR}'`))
    const append = postgresSignerStore(after).append([headsRow(head(randomUUID(), 1))])
    await expect(append).rejects.toMatchObject({
      code: 'chain_conflict',
      message: expect.stringContaining(message),
    })
    await Promise.all([before.close(), after.close()])
    await damaged.drop()
  })

  it('names each created chain once, and the platform chain', async () => {
    const ids = [await ownWriter.create(), await ownWriter.create()]
    await ownWriter.record(PLATFORM_ANCHOR, { relation: SELF_AUDIT.chainCreate, object: 'doc:d' })
    const again = { relation: SELF_AUDIT.chainCreate, object: `domain:${ids[0]}`, relationPath: [] }
    await ownStore.append([{ row: again, heads: [] }])
    expect(await ownStore.createdChains()).toEqual([...ids, PLATFORM_ANCHOR].sort())
  })
})

describe('signedRows', () => {
  it('returns rows of one relation in order, and the last ones of many', async () => {
    const relation = SIGNED_RELATION.logKey
    const row = (at: number) => ({ relation, object: PLATFORM_OBJECT, relationPath: [`key:${at}`, SIG] })
    const rows = Array.from({ length: 5 }, (_, at) => ({ row: row(at), heads: [] }))
    const seqs = await store.append(rows)
    const expected = seqs.map((seq, at) => ({ seq, ...row(at) }))
    expect(await store.signedRows(relation)).toEqual(expected)
    expect(await store.signedRows(relation, 2)).toEqual(expected.slice(-2))
    expect(await store.signedRows(SIGNED_RELATION.signedOver)).toEqual([])
  })

  const OTHERS = [
    ['another object', { object: 'doc:1', relationPath: ['key:1', SIG] }],
    ['no signature', { object: PLATFORM_OBJECT, relationPath: ['key:1'] }],
    ['no items', { object: PLATFORM_OBJECT, relationPath: [] }],
    ['a signature that is not last', { object: PLATFORM_OBJECT, relationPath: [SIG, 'key:1'] }],
    ['more bytes', { object: PLATFORM_OBJECT, relationPath: [...Array(63).fill('k'.repeat(300)), SIG] }],
  ] as const
  it.each(OTHERS)('leaves out a row with %s', async (_what, fields) => {
    const before = await store.signedRows(SIGNED_RELATION.logKey)
    await store.append([{ row: { relation: SIGNED_RELATION.logKey, ...fields }, heads: [] }])
    expect(await store.signedRows(SIGNED_RELATION.logKey)).toEqual(before)
  })

  it('reads only the rows that it returns, by the index of the relations', async () => {
    const reads = await writer.database.withTransaction('BEGIN', async (client) => {
      await client.query(WITHOUT_SORT)
      return measuredReads(client, 'audit_log_entry', SIGNED, [SIGNED_RELATION.logKey, 2])
    })
    expect(reads).toEqual([{ index: 'audit_log_entry_by_relation', rows: 2 }])
  })
})

describe('the index of heads', () => {
  it('says the newest head of a chain', async () => {
    const domainId = randomUUID()
    expect(await store.newestHead({ domainId, incarnation: 1 })).toBeUndefined()
    await store.index([
      head(domainId, 7),
      head(domainId, 9),
      head(domainId, 8),
      head(domainId, 1, { incarnation: 2 }),
    ])
    const newest = await store.newestHead({ domainId, incarnation: 1 })
    expect(newest).toEqual({ ...head(domainId, 9), signedAt: expect.any(BigInt) })
    await store.append([headsRow(head(domainId, 10))])
    const platformSeq = await chainLength(writer, PLATFORM_ANCHOR)
    expect(await store.newestHead({ domainId, incarnation: 1 })).toMatchObject({ size: 10, platformSeq })
  })
})

describe('tiles', () => {
  const tile = (domainId: string, index: number, fill: number): TreeTile => {
    return { domainId, incarnation: 1, level: 0, index, hashes: Buffer.alloc(8192, fill) }
  }

  it('are inserted once by two signers at once, and read in order', async () => {
    const domainId = randomUUID()
    const tiles = Array.from({ length: 300 }, (_, index) => tile(domainId, index, index % 251))
    await Promise.all([
      store.putTiles(tiles),
      other.putTiles(tiles.toReversed()),
      store.putTiles(tiles.slice(100)),
    ])
    await store.putTiles([tile(domainId, 5, 99), { ...tile(domainId, 0, 1), level: 1 }])
    const read = await store.tiles({ domainId, incarnation: 1 }, 0, { from: 3, to: 299 })
    expect(read.map(({ index, hashes }) => [index, hashes.length, hashes[0], hashes[8191]])).toEqual(
      tiles.slice(3).map(({ index }) => [index, 8192, index % 251, index % 251]),
    )
    expect(await store.tiles({ domainId, incarnation: 1 }, 1, { from: 0, to: 9 })).toHaveLength(1)
    expect(await store.tiles({ domainId, incarnation: 2 }, 0, { from: 0, to: 9 })).toEqual([])
  })

  it('are stored without compression', async () => {
    const [row] = await query(
      `SELECT attstorage::text AS storage FROM pg_attribute WHERE attrelid = 'audit_tlog_tile'::regclass AND attname = 'hashes'`,
    )
    expect(row).toEqual({ storage: 'e' })
  })
})

const factsOf = (domainId: string) => postgresSigningLedger(writer.database).facts(domainId)
const signedState = async (domainId: string) => (await factsOf(domainId)).state

describe('the facts about signatures', () => {
  const STATES = [
    { name: 'is signed to its end', rows: 3, stamped: [1, 2, 3], size: 3, unsigned: 0 },
    {
      name: 'has rows beyond its head that are not archived',
      rows: 5,
      stamped: [1, 2, 3],
      size: 3,
      unsigned: 0,
    },
    { name: 'has one archived row beyond its head', rows: 5, stamped: [1, 2, 3, 4], size: 3, unsigned: 1 },
    { name: 'has archived rows after a held row', rows: 6, stamped: [1, 2, 3, 5, 6], size: 3, unsigned: 2 },
    { name: 'is shorter than its head', rows: 2, stamped: [1, 2], size: 9, unsigned: 0 },
  ]

  it.each(STATES)('says how far a chain is signed that $name', async ({ rows, stamped, size, unsigned }) => {
    const domainId = await chainOf(rows)
    await stamp(domainId, stamped)
    const reader = writer.database
    expect(await signedState(domainId)).toBeUndefined()
    await store.index([head(domainId, size), head(domainId, 1)])
    const state = await signedState(domainId)
    const waiting = unsigned === 0 ? {} : { waitingSeconds: expect.any(Number) }
    const expected = {
      domainId,
      signedSeq: size,
      ageSeconds: expect.any(Number),
      unsignedRows: unsigned,
      ...waiting,
    }
    expect(state).toEqual(expected)
    expect((await signedStates(reader)).filter((one) => one.domainId === domainId)).toEqual([expected])
    expect(state?.ageSeconds).toBeLessThan(60)
  })

  const UNSIGNED = { isRestoring: false, isHeld: false, hasFinding: false }
  const FACTS = [
    { name: 'without a head', rows: 3, stamped: [1, 2, 3], facts: UNSIGNED },
    { name: 'without a head or a stamp', rows: 3, stamped: [], facts: UNSIGNED },
    { name: 'whose first row is held', rows: 3, stamped: [2, 3], facts: { ...UNSIGNED, isHeld: true } },
    {
      name: 'with a held row after its head',
      rows: 5,
      stamped: [1, 2, 4],
      size: 2,
      facts: { ...UNSIGNED, isHeld: true },
    },
    { name: 'whose tail waits for the archiver', rows: 5, stamped: [1, 2], size: 2, facts: UNSIGNED },
    { name: 'with a held row below its head', rows: 5, stamped: [1, 3, 4, 5], size: 3, facts: UNSIGNED },
    {
      name: 'with a finding below its head',
      rows: 5,
      stamped: [1, 2, 3],
      size: 3,
      found: 2,
      facts: UNSIGNED,
    },
    {
      name: 'with a finding beyond its head',
      rows: 5,
      stamped: [1, 2, 3],
      size: 3,
      found: 4,
      facts: { ...UNSIGNED, hasFinding: true },
    },
  ]
  it.each(FACTS)('are right for a chain $name', async ({ rows, stamped, size, found, facts }) => {
    const domainId = await chainOf(rows)
    await stamp(domainId, stamped)
    if (size !== undefined) await store.index([head(domainId, size)])
    if (found !== undefined)
      await query(
        `INSERT INTO audit_tamper_quarantine (domain_id, divergent_seq, code, seq_from, seq_to, source)
         VALUES ($1, $2, 'seq_gap', $2, $2, 'postgres')`,
        [domainId, found],
      )
    const { state, ...others } = await factsOf(domainId)
    expect(state?.signedSeq).toBe(size)
    expect(others).toEqual({ lastSeq: rows, ...facts })
  })

  it('name a restore that runs, until the chain has its head', async () => {
    const domainId = await chainOf(1)
    await query(`INSERT INTO audit_restore (domain_id, mirror_url) VALUES ($1, 'file:///m')`, [domainId])
    expect(await factsOf(domainId)).toMatchObject({ isRestoring: false })
    await asSuperuser(database.url, `DELETE FROM audit_log_chain_head WHERE domain_id = '${domainId}'`)
    expect(await factsOf(domainId)).toMatchObject({ isRestoring: true })
    await query('DELETE FROM audit_restore')
    await asSuperuser(database.url, `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}'`)
    await remove(domainId)
  })

  it('says since when the first archived row beyond the head waits, by its stamp', async () => {
    const domainId = await chainOf(3)
    await stamp(domainId, [1, 3])
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET recorded_at = recorded_at - interval '1 day' WHERE domain_id = '${domainId}'`,
    )
    await query(stampSql(`domain_id = '${domainId}' AND seq = 2`, { at: "now() - interval '1 hour'" }))
    await store.index([head(domainId, 1)])
    const waits = (await signedState(domainId))?.waitingSeconds ?? 0
    expect(waits).toBeGreaterThan(3599)
    expect(waits).toBeLessThan(3700)
  })

  it.each([
    ['a time of signing that is infinite', "signed_at = 'infinity'"],
    ['a time of signing in the future', "signed_at = now() + interval '1 year'"],
  ])('bears %s', async (_what, change) => {
    const domainId = await chainOf(1)
    await store.index([head(domainId, 1)])
    await asSuperuser(
      database.url,
      `ALTER TABLE audit_checkpoint DROP CONSTRAINT IF EXISTS audit_checkpoint_signed_at_range;
       UPDATE audit_checkpoint SET ${change} WHERE domain_id = '${domainId}'`,
    )
    expect(await signedState(domainId)).toMatchObject({ signedSeq: 1, ageSeconds: 0 })
    expect(await store.newestHead({ domainId, incarnation: 1 })).toMatchObject({ size: 1 })
  })
})
