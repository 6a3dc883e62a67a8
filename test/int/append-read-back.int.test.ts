import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { eraseIdentity } from '../../src/erasure/erase-identity.js'
import { postgresErasureStore } from '../../src/repo/erasure/erase.js'
import { ACTOR, allFindings, entryFor, outcomes, Writer } from '../support/append-chains.js'
import { type Fault, FaultProxy } from '../support/append-proxy.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
/** Connects directly to the server. */
let direct: Writer
let proxy: FaultProxy
/** Connects through the proxy. */
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  direct = new Writer(database.url)
  proxy = await FaultProxy.start(database.url)
  writer = new Writer(proxy.url)
  // The first Domain begins the platform chain.
  await direct.create()
})

afterAll(async () => {
  await writer.close()
  await proxy.close()
  await direct.close()
  await database.drop()
})

/** An entry that stores something in every table. */
const whole = () => ({
  subject: { plaintext: 'Alice A.' },
  context: { ip: '192.0.2.1' },
  idempotency_key: randomUUID(),
})

const of = (domainId: string) => `domain_id = '${domainId}'`

describe('an append that a deferred trigger undoes at COMMIT', () => {
  /** Runs `sql` at the COMMIT of every transaction that writes a row with this relation. NEW is the row. */
  async function atCommit(sql: string): Promise<void> {
    await rowsOf(
      database.url,
      `CREATE OR REPLACE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
         SET LOCAL session_replication_role = replica; ${sql}; SET LOCAL session_replication_role = origin; RETURN NULL;
       END $$`,
    )
    await asSuperuser(
      database.url,
      `CREATE CONSTRAINT TRIGGER zz AFTER INSERT ON audit_log_entry DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.relation = 'secret.delete' OR NEW.relation LIKE 'audit.%') EXECUTE FUNCTION swallow()`,
    )
  }

  afterEach(() => asSuperuser(database.url, 'DROP TRIGGER IF EXISTS zz ON audit_log_entry'))

  const ROW = 'domain_id = NEW.domain_id AND seq = NEW.seq'
  const CHAIN = 'domain_id = NEW.domain_id'
  const BACK = `UPDATE audit_log_chain_head SET next_seq = NEW.seq, head_hash = NEW.prev_hash WHERE ${CHAIN}`

  it.each([
    ['deletes the row', `DELETE FROM audit_log_entry WHERE ${ROW}`, '0 of 1 rows were there'],
    [
      'deletes the row and resets the head',
      `DELETE FROM audit_log_entry WHERE ${ROW}; ${BACK}`,
      'the head expected row 2',
    ],
    ['resets the head', BACK, 'the head expected row 2 next, and not row 3 or a later one'],
    ['deletes the head', `DELETE FROM audit_log_chain_head WHERE ${CHAIN}`, 'its head was gone'],
    [
      'changes the hash of the head',
      `UPDATE audit_log_chain_head SET head_hash = NEW.prev_hash WHERE ${CHAIN}`,
      'the head had another hash than row 2',
    ],
    [
      'changes the hash of the row',
      `UPDATE audit_log_entry SET entry_hash = sha256(entry_hash) WHERE ${ROW}`,
      'row 2 had other values',
    ],
    [
      'changes the row',
      `UPDATE audit_log_entry SET object = 'secret:other' WHERE ${ROW}`,
      'row 2 had other values',
    ],
    [
      'changes the time of the row',
      `UPDATE audit_log_entry SET recorded_at = recorded_at - interval '1 microsecond' WHERE ${ROW}`,
      'row 2 had other values',
    ],
    [
      'deletes the context',
      `DELETE FROM audit_entry_context WHERE ${ROW}`,
      '0 of 1 request contexts were there',
    ],
    [
      'deletes the personal data',
      `DELETE FROM audit_subject_pii WHERE ${CHAIN}`,
      'the personal data of 0 of 1 subjects were there',
    ],
    [
      'deletes the idempotency key',
      `DELETE FROM audit_idempotency_key WHERE ${ROW}`,
      '0 of 1 idempotency keys were there',
    ],
  ])('ends with write_undone where it %s', async (_what, sql, problem) => {
    const domainId = await direct.create()
    await atCommit(sql)
    const outcome = await direct.record(domainId, { ...whole(), relation: 'secret.delete' }).catch((e) => e)
    expect(outcome).toMatchObject({ code: 'write_undone', advice: { code: 'find_undoing_trigger' } })
    expect(outcome.message).toContain(`Postgres acknowledged row 2 of chain ${domainId}, and then ${problem}`)
  })

  it('ends with write_undone where one row of a group is gone', async () => {
    const domainId = await direct.create()
    await atCommit(`DELETE FROM audit_log_entry WHERE ${ROW}`)
    const group = ['project.read', 'secret.delete', 'project.read'].map((relation) =>
      entryFor(domainId, { relation }),
    )
    await expect(direct.sink.recordGroup(group, 'continue')).rejects.toMatchObject({
      code: 'write_undone',
      message: expect.stringContaining(`rows 2 to 4 of chain ${domainId}, and then 2 of 3 rows were there`),
    })
  })

  it('ends with write_undone where the row of one of two chains is gone', async () => {
    const [one, other] = [await direct.create(), await direct.create()]
    await atCommit(`DELETE FROM audit_log_entry WHERE ${ROW} AND ${CHAIN} AND domain_id = '${other}'`)
    await expect(direct.record([one, other], { relation: 'secret.delete' })).rejects.toMatchObject({
      code: 'write_undone',
      message: expect.stringContaining(`0 of 1 rows were there (chain ${other})`),
    })
  })

  it('ends the creation of a Domain with write_undone where its first row is gone', async () => {
    const domainId = randomUUID()
    await atCommit(`DELETE FROM audit_log_entry WHERE ${ROW} AND domain_id = '${domainId}'`)
    await expect(direct.create(domainId)).rejects.toMatchObject({ code: 'write_undone' })
  })

  it('ends an erasure with write_undone where its row is gone', async () => {
    const domainId = await direct.create()
    await direct.record(domainId, whole())
    await atCommit(`DELETE FROM audit_log_entry WHERE ${ROW}`)
    await expect(erase(domainId)).rejects.toMatchObject({ code: 'write_undone' })
  })
})

function erase(domainId: string) {
  const ports = {
    store: postgresErasureStore(direct.database),
    pepper: direct.pepper,
    remaining: { of: async () => [] },
  }
  return eraseIdentity(ports, { domainId, person: { subjectId: 'alice' }, actor: ACTOR, block: false })
}

/** Is in the query that looks, and in no other. */
const LOOK = 'AS is_erased'

describe('an append whose look fails', () => {
  it.each<Fault>(['lost', 'unanswered'])(
    'has an unknown outcome with its seqs, where the look is %s',
    async (fault) => {
      const domainId = await direct.create()
      const hit = proxy.breakAt(LOOK, fault)
      const group = [entryFor(domainId), entryFor(domainId)]
      const outcome = await writer.sink.recordGroup(group, 'continue').catch((e) => e)
      await hit
      expect(outcome).toMatchObject({ code: 'outcome_unknown' })
      expect(outcome.message).toContain(`rows 2 to 3 of chain ${domainId}`)
      expect(outcome.message).toContain('written or not is unknown')
      expect(outcomes([await writer.record(domainId)])).toEqual([4])
    },
  )
})

describe('what others do between COMMIT and the look', () => {
  it.each<[string, (domainId: string) => Promise<unknown>]>([
    ['a later append', (id) => direct.record(id)],
    [
      'a hundred later appends',
      (id) =>
        direct.sink.recordGroup(
          Array.from({ length: 100 }, () => entryFor(id)),
          'stop',
        ),
    ],
    ['an erasure of the subject', (id) => erase(id)],
    ['an erasure and later appends', (id) => erase(id).then(() => direct.record(id))],
  ])('is no alarm where it is %s', async (_what, meanwhile) => {
    const domainId = await direct.create()
    proxy.pauseAt(LOOK, () => meanwhile(domainId))
    expect(outcomes([await writer.record(domainId, whole())])).toEqual([2])
    expect(await allFindings(direct)).not.toContainEqual(expect.objectContaining({ domainId }))
  })

  it('is no alarm where an erasure that was done before finds only the key', async () => {
    const domainId = await direct.create()
    await direct.record(domainId, whole())
    await erase(domainId)
    proxy.pauseAt(LOOK, () => erase(domainId))
    expect(outcomes([await writer.record(domainId, { idempotency_key: randomUUID() })])).toEqual([4])
  })

  it.each([
    ['the context', 'audit_entry_context', '0 of 1 request contexts'],
    ['the personal data', 'audit_subject_pii', '0 of 1 subjects'],
    ['the key', 'audit_idempotency_key', '0 of 1 idempotency keys'],
  ])('is write_undone where somebody deletes %s without a record', async (_what, table, problem) => {
    const domainId = await direct.create()
    proxy.pauseAt(LOOK, () => asSuperuser(database.url, `DELETE FROM ${table} WHERE ${of(domainId)}`))
    await expect(writer.record(domainId, whole())).rejects.toMatchObject({
      code: 'write_undone',
      message: expect.stringContaining(problem),
    })
  })

  it('is no alarm for a subject that is blocked, about whom nothing is stored', async () => {
    const domainId = await direct.create()
    await asSuperuser(
      database.url,
      `INSERT INTO audit_subject_block (domain_id, subject_pseudonym)
       SELECT domain_id, subject_pseudonym FROM audit_log_entry WHERE ${of(domainId)}`,
    )
    expect(outcomes([await writer.record(domainId, { ...whole(), subject_id: 'system:audit' })])).toEqual([2])
    expect(await rowsOf(database.url, `SELECT FROM audit_entry_context WHERE ${of(domainId)}`)).toEqual([])
  })

  it('is no alarm on the platform chain', async () => {
    proxy.pauseAt(LOOK, () => direct.create())
    await writer.record(PLATFORM_ANCHOR, whole())
  })
})

describe('a trigger that withholds the move of a head', () => {
  it.each([1, 300])('makes an append of %i rows fail, and nothing is written', async (count) => {
    const [domainId, other] = [await direct.create(), await direct.create()]
    const group = (patch: Record<string, unknown>) =>
      Array.from({ length: count }, (_, i) => entryFor([domainId, other], { object: `doc:${i}`, ...patch }))
    await rowsOf(
      database.url,
      `CREATE FUNCTION keep_head() RETURNS trigger LANGUAGE plpgsql
         AS 'BEGIN RETURN CASE WHEN NEW.domain_id = ''${other}'' THEN NULL ELSE NEW END; END'`,
    )
    await rowsOf(
      database.url,
      'CREATE TRIGGER keep_head BEFORE UPDATE ON audit_log_chain_head FOR EACH ROW EXECUTE FUNCTION keep_head()',
    )
    const outcome = await direct.sink.recordGroup(group({}), 'stop').catch((error: unknown) => error)
    await rowsOf(database.url, 'DROP FUNCTION keep_head CASCADE')
    expect(outcome).toMatchObject({ code: 'chain_conflict', advice: { code: 'find_withholding_trigger' } })
    // Nothing of the refused copies is left, and the connection is usable.
    const seqs = outcomes(await direct.sink.recordGroup(group({ relation: 'doc.read' }), 'stop'))
    expect(seqs).toEqual(Array.from({ length: count }, (_, i) => i + 2))
  })
})

describe('a trigger that withholds what is stored beside a row', () => {
  it.each(['audit_entry_context', 'audit_subject_pii', 'audit_idempotency_key'])(
    'makes the append fail for %s, and nothing is written',
    async (table) => {
      const domainId = await direct.create()
      await rowsOf(
        database.url,
        `CREATE OR REPLACE FUNCTION withhold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      )
      await rowsOf(
        database.url,
        `CREATE TRIGGER withhold BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION withhold()`,
      )
      const outcome = await direct.record(domainId, whole()).catch((e) => e)
      await rowsOf(database.url, `DROP TRIGGER withhold ON ${table}`)
      expect(outcome).toMatchObject({ code: 'database_failed', advice: { code: 'find_withholding_trigger' } })
      expect(outcome.message).toContain(`stored 0 of 1 rows in ${table}; nothing was appended`)
      expect(outcomes([await direct.record(domainId)])).toEqual([2])
    },
  )
})
