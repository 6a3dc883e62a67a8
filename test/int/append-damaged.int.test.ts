import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { entryFor, outcomes, Writer } from '../support/append-chains.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '018f0000-0000-7000-8000-000000000001'
const SOUND = '018f0000-0000-7000-8000-000000000002'

let database: TestDatabase
let writer: Writer

/** Two Domains with a genesis row and two more rows each. The platform chain also has three rows. */
beforeEach(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  for (const domainId of [DOMAIN, SOUND]) {
    await writer.create(domainId)
    for (let i = 0; i < 2; i += 1) await writer.record(domainId)
  }
})

afterEach(async () => {
  await writer.close()
  await database.drop()
})

/** Returns everything that is stored as one text. */
async function everything(): Promise<string> {
  const tables = ['audit_domain', 'audit_log_entry', 'audit_log_chain_head']
  const dump = tables.map((table) => rowsOf(database.url, `SELECT t::text AS t FROM ${table} t ORDER BY 1`))
  return JSON.stringify(await Promise.all(dump))
}

const hashOf = (seq: number) =>
  `(SELECT entry_hash FROM audit_log_entry WHERE domain_id = '${DOMAIN}' AND seq = ${seq})`

/** The attacks on DOMAIN. In the problem, `$head` and `$row` are the hashes of the head and of row 3 after the attack. */
const DAMAGE: readonly (readonly [string, string, string])[] = [
  [
    'the head row is gone',
    `DELETE FROM audit_log_chain_head WHERE domain_id = '${DOMAIN}'`,
    'its head is missing',
  ],
  [
    'head and registry entry are gone',
    `DELETE FROM audit_log_chain_head WHERE domain_id = '${DOMAIN}';
     DELETE FROM audit_domain WHERE domain_id = '${DOMAIN}'`,
    'its head is missing',
  ],
  [
    'the head was rewound',
    `UPDATE audit_log_chain_head SET next_seq = 3, head_hash = ${hashOf(2)} WHERE domain_id = '${DOMAIN}'`,
    'the head expects row 3 next, but row 3 exists',
  ],
  [
    'the head was rewound to nothing',
    `UPDATE audit_log_chain_head SET next_seq = 1, head_hash = decode(repeat('00', 32), 'hex')
     WHERE domain_id = '${DOMAIN}'`,
    'the head expects row 1 next, but row 3 exists',
  ],
  [
    'the hash of the head was cut short',
    `ALTER TABLE audit_log_chain_head DROP CONSTRAINT audit_log_chain_head_head_hash_bytes;
     UPDATE audit_log_chain_head SET head_hash = '\\x00' WHERE domain_id = '${DOMAIN}'`,
    'the hash of its head is not 32 bytes',
  ],
  [
    'the head is ahead of its hash',
    `UPDATE audit_log_chain_head SET next_seq = 9 WHERE domain_id = '${DOMAIN}'`,
    'the head expects row 9 next, but the last row is row 3',
  ],
  [
    'the head is ahead and names an older row',
    `UPDATE audit_log_chain_head SET next_seq = 9, head_hash = ${hashOf(2)} WHERE domain_id = '${DOMAIN}'`,
    'the head expects row 9 next, but the last row is row 3',
  ],
  [
    'the head is the greatest that there is',
    `UPDATE audit_log_chain_head SET next_seq = 9007199254740992 WHERE domain_id = '${DOMAIN}'`,
    'its head is beyond every seq',
  ],
  [
    'the tail was cut',
    `DELETE FROM audit_log_entry WHERE domain_id = '${DOMAIN}' AND seq = 3`,
    'the head expects row 4 next, but the last row is row 2',
  ],
  [
    'all rows but the genesis row are gone',
    `DELETE FROM audit_log_entry WHERE domain_id = '${DOMAIN}' AND seq > 1`,
    'the head expects row 4 next, but the last row is row 1',
  ],
  [
    'the last row was moved away',
    `UPDATE audit_log_entry SET seq = 5 WHERE domain_id = '${DOMAIN}' AND seq = 3`,
    'the head expects row 4 next, but row 5 exists',
  ],
  [
    'the head names an older row',
    `UPDATE audit_log_chain_head SET head_hash = ${hashOf(2)} WHERE domain_id = '${DOMAIN}'`,
    'the head has the hash $head, but row 3 has $row',
  ],
  [
    'the last row has another hash',
    `UPDATE audit_log_entry SET entry_hash = sha256('x') WHERE domain_id = '${DOMAIN}' AND seq = 3`,
    'the head has the hash $head, but row 3 has $row',
  ],
  [
    'the last row has the hash of the row before',
    `UPDATE audit_log_entry SET entry_hash = ${hashOf(2)} WHERE domain_id = '${DOMAIN}' AND seq = 3`,
    'the head has the hash $head, but row 3 has $row',
  ],
  [
    'the last row has no hash',
    `ALTER TABLE audit_log_entry ALTER entry_hash DROP NOT NULL;
     UPDATE audit_log_entry SET entry_hash = NULL WHERE domain_id = '${DOMAIN}' AND seq = 3`,
    'the head has the hash $head, but row 3 has none',
  ],
  [
    'there is a second last row with another hash',
    `ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey;
     CREATE TEMP TABLE twin AS SELECT * FROM audit_log_entry WHERE domain_id = '${DOMAIN}' AND seq = 3;
     UPDATE twin SET entry_hash = sha256('x');
     INSERT INTO audit_log_entry SELECT * FROM twin`,
    `the head has the hash $head, but row 3 has ${createHash('sha256').update('x').digest('hex')}`,
  ],
  [
    'the genesis row is gone',
    `DELETE FROM audit_log_entry WHERE domain_id = '${DOMAIN}' AND seq = 1`,
    'its genesis row is missing',
  ],
  [
    'all rows are gone',
    `DELETE FROM audit_log_entry WHERE domain_id = '${DOMAIN}'`,
    'its genesis row is missing',
  ],
]

/** Returns `problem` with the hashes that the chain has now. */
async function withHashes(problem: string, domainId: string): Promise<string> {
  const [stored] = await rowsOf(
    database.url,
    `SELECT (SELECT encode(head_hash, 'hex') FROM audit_log_chain_head WHERE domain_id = $1) AS head,
       (SELECT encode(entry_hash, 'hex') FROM audit_log_entry WHERE domain_id = $1 AND seq = 3 LIMIT 1) AS row`,
    [domainId],
  )
  return problem.replace('$head', `${stored?.head}`).replace('$row', `${stored?.row}`)
}

describe('a chain that was tampered with', () => {
  it.each(DAMAGE)('refuses a row where %s', async (_what, attack, problem) => {
    await asSuperuser(database.url, attack)
    const before = await everything()
    const why = await withHashes(problem, DOMAIN)
    const refused = {
      code: 'chain_conflict',
      message: `chain ${DOMAIN} takes no more rows: ${why}`,
      advice: { code: 'verify_chain', domainId: DOMAIN },
    }
    await expect(writer.record(DOMAIN)).rejects.toMatchObject(refused)
    await expect(writer.record([SOUND, DOMAIN])).rejects.toMatchObject(refused)
    expect(await everything()).toBe(before)
  })

  it.each(DAMAGE)('cannot be created again where %s', async (_what, attack) => {
    await asSuperuser(database.url, attack)
    const before = await everything()
    await expect(writer.create(DOMAIN)).rejects.toMatchObject({ code: 'domain_exists' })
    expect(await everything()).toBe(before)
  })

  it.each(DAMAGE)('does not affect the other entries of the group where %s', async (_what, attack) => {
    await asSuperuser(database.url, attack)
    const group = [entryFor(SOUND), entryFor(DOMAIN), entryFor(SOUND)]
    expect(outcomes(await writer.sink.recordGroup(group, 'continue'))).toEqual([4, 'chain_conflict', 5])
  })

  it.each(DAMAGE)('does not begin again where %s, on the platform chain', async (_what, attack, problem) => {
    await asSuperuser(database.url, attack.replaceAll(DOMAIN, PLATFORM_ANCHOR))
    const before = await everything()
    const why = await withHashes(problem, PLATFORM_ANCHOR)
    await expect(writer.record(PLATFORM_ANCHOR)).rejects.toMatchObject({
      code: 'chain_conflict',
      message: `chain ${PLATFORM_ANCHOR} takes no more rows: ${why}`,
      advice: { code: 'verify_chain', domainId: PLATFORM_ANCHOR },
    })
    await expect(writer.create()).rejects.toMatchObject({ code: 'chain_conflict' })
    expect(await everything()).toBe(before)
  })
})

describe('a platform chain whose rows are all deleted', () => {
  const WIPE = ['audit_log_entry', 'audit_log_chain_head'].map(
    (table) => `DELETE FROM ${table} WHERE domain_id = '${PLATFORM_ANCHOR}';`,
  )

  it.each([
    ['the registry', ''],
    ['the heads of the Domains', 'DELETE FROM audit_domain'],
  ])('does not begin again while there is still %s', async (_what, more) => {
    await asSuperuser(database.url, WIPE.join('') + more)
    const before = await everything()
    const refused = {
      code: 'chain_conflict',
      message: `chain ${PLATFORM_ANCHOR} takes no more rows: its head is missing`,
    }
    await expect(writer.create()).rejects.toMatchObject(refused)
    await expect(writer.record(PLATFORM_ANCHOR)).rejects.toMatchObject(refused)
    expect(await everything()).toBe(before)
  })
})

describe('a trigger that drops rows', () => {
  it.each(['NULL', "CASE WHEN NEW.relation = 'project.read' THEN NULL ELSE NEW END"])(
    'leads to a refusal and nothing is stored: RETURN %s',
    async (returned) => {
      await asSuperuser(
        database.url,
        `CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN ${returned}; END $$;
         CREATE TRIGGER swallow BEFORE INSERT ON audit_log_entry FOR EACH ROW EXECUTE FUNCTION swallow()`,
      )
      const before = await everything()
      await expect(writer.record(DOMAIN)).rejects.toMatchObject({
        code: 'database_failed',
        message: 'Postgres stored 0 of 1 rows in audit_log_entry; nothing was appended',
      })
      const group = [entryFor(SOUND, { relation: 'project.write' }), entryFor(DOMAIN)]
      await expect(writer.sink.recordGroup(group, 'continue')).rejects.toMatchObject({
        code: 'database_failed',
      })
      expect(await everything()).toBe(before)
    },
  )
})

it.each(['audit_domain', 'audit_log_chain_head'])(
  'creates no Domain when a trigger drops the row of %s',
  async (table) => {
    await asSuperuser(database.url, `CREATE RULE swallow AS ON INSERT TO ${table} DO INSTEAD NOTHING`)
    const before = await everything()
    await expect(writer.create()).rejects.toMatchObject({
      code: 'database_failed',
      message: `Postgres stored 0 of 1 rows in ${table}; nothing was appended`,
    })
    expect(await everything()).toBe(before)
  },
)

describe('a Domain that was registered without its chain', () => {
  it('refuses a row', async () => {
    const domainId = '018f0000-0000-7000-8000-000000000003'
    await asSuperuser(database.url, `INSERT INTO audit_domain (domain_id) VALUES ('${domainId}')`)
    await expect(writer.record(domainId)).rejects.toMatchObject({ code: 'chain_conflict' })
    await expect(writer.create(domainId)).rejects.toMatchObject({ code: 'domain_exists' })
  })
})
