import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Writer } from '../support/append-chains.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'
import { type SignedField, SignedSite } from '../support/signed-site.js'

/** More rows than a verifier looks at before it filters. */
const FLOOD = 1_001
const ALL_OF_LOG = 9_007_199_254_740_991
const thief = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(9))

let site: SignedSite
let field: SignedField
let log: SignedLog

beforeAll(async () => {
  site = await SignedSite.make()
})

beforeEach(async () => {
  field = await site.copied()
  log = await SignedLog.open({ url: field.url })
})

afterEach(async () => {
  await log.close()
  await field.drop()
})

afterAll(() => site.drop())

const headOf = (domainId: string, size: number) => ({
  domainId,
  incarnation: 1,
  size,
  root: 'a'.repeat(64),
  entryHash: 'b'.repeat(64),
})

/** Names a head that nobody signed in the index, with the row of the first head of chain A. */
const shadow = (size: number) =>
  field.sql(`INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note, platform_seq)
    SELECT '${field.a}', 1, ${size}, root, entry_hash, note, 5 FROM audit_checkpoint LIMIT 1`)
const unindexed = (condition = 'true') =>
  field.sql(`SET session_replication_role = replica;
    DELETE FROM audit_checkpoint WHERE domain_id = '${field.a}' AND ${condition}`)
const junk = () => log.append(thief.headRow([headOf(field.b, 3)]), FLOOD)

/** What hides the heads of 6 and 10 rows of chain A, whose row 5 is rewritten then. */
const SHADOWS: Readonly<Record<string, () => Promise<unknown>>> = {
  'junk rows and one row of the index': async () => {
    await junk()
    await shadow(ALL_OF_LOG)
  },
  'rows about another chain and one row of the index': async () => {
    await log.append(log.signer.headRow([headOf(field.b, 3)]), FLOOD)
    await shadow(ALL_OF_LOG)
  },
  'junk rows about the chain and one row of the index': async () => {
    await log.append(thief.headRow([headOf(field.a, ALL_OF_LOG)]), FLOOD)
    await shadow(ALL_OF_LOG)
  },
  'junk rows and a hundred rows of the index': async () => {
    await junk()
    for (let below = 0; below < 100; below += 1) await shadow(ALL_OF_LOG - below)
  },
  'junk rows and an index without the chain': async () => {
    await junk()
    await unindexed()
  },
  'junk rows and an index without the newest heads': async () => {
    await junk()
    await unindexed('size > 3')
  },
  'copies of the first signed row': async () => {
    await log.append(log.signer.headRow([await log.head(field.a, 3)]), FLOOD)
  },
}

describe.each(Object.entries(SHADOWS))('the newest heads lie behind %s', (_name, attack) => {
  it('and a verify of one chain and one of all chains find the rewritten rows', async () => {
    await attack()
    await field.rewrite(field.a, 5, ['postgres'])
    for (const run of [field.a, 'all']) {
      const { verdict } = await field.outcome(field.a, 'postgres', 'policy', run)
      expect(verdict?.findings).toMatchObject([{ code: 'checkpoint_mismatch', seqFrom: 4, seqTo: 6 }])
    }
  })
})

it('finds the rows that were signed over behind rows that a writer appended', async () => {
  const rows = await field.rows(field.a)
  const hashes = await log.entryHashes(field.a, 11)
  hashes[3] = '0'.repeat(64)
  hashes[4] = rows[5]?.prevHash ?? ''
  const holes = (domainId: string, ranges: string) => [`chain:${domainId}:1`, ranges, 'reason:test']
  await log.append(log.signer.row('audit.signed-over', holes(field.a, 'rows:4-5')))
  const note = join(field.dir, 'note')
  writeFileSync(note, log.headOf(field.a, hashes).note)
  await log.append(thief.row('audit.signed-over', holes(field.b, 'rows:1-2')), FLOOD)
  expect(await field.verify('--domain', field.a, '--policy', field.policy, '--checkpoint', note)).toEqual([
    0,
    '',
  ])
})

it('reads the keys of a chain in the middle of many rows of keys', async () => {
  const junkKeys = () => log.append(thief.keyRow([{ domainId: field.b, incarnation: 1 }]), FLOOD)
  await junkKeys()
  await log.append(log.signer.keyRow([{ domainId: field.a, incarnation: 1 }, PLATFORM]))
  await junkKeys()
  const note = join(field.dir, 'note')
  writeFileSync(note, (await log.head(field.a, 11)).note)
  await field.sql(`SET session_replication_role = replica; DELETE FROM audit_log_entry
    WHERE domain_id = '${PLATFORM.domainId}' AND relation = 'audit.log-key' AND seq < 10`)
  expect(await field.verify('--domain', field.a, '--policy', field.policy, '--checkpoint', note)).toEqual([
    0,
    '',
  ])
})

/** What is done to the platform chain of a log that was set up and has not grown, and what a verify finds. */
const AFTER_SETUP: readonly (readonly [string, (field: SignedField) => Promise<unknown>, number, string])[] =
  [
    ['is as it was signed', async () => undefined, 0, ''],
    ['was rewritten', (f) => f.rewrite(PLATFORM.domainId, 2, ['postgres']), 1, 'checkpoint_mismatch 1-3'],
    ['was cut', (f) => f.cut(PLATFORM.domainId, 2, ['postgres']), 1, 'checkpoint_rollback 3-3'],
    [
      'lies behind notes of nobody',
      (f) =>
        f.sql(`INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note)
        SELECT domain_id, 1, 9, root, entry_hash, replace(note, E'\\n3\\n', E'\\n9\\n') FROM audit_checkpoint`),
      0,
      '',
    ],
  ]

it.each(AFTER_SETUP)(
  'judges a platform chain by the index right after the setup: it %s',
  async (_name, attack, code, found) => {
    const database = await testDatabase()
    const writer = new Writer(database.url)
    const young = await SignedLog.open({ url: database.url })
    try {
      await writer.record(await writer.create())
      await young.enrol()
      await young.signPlatform()
      const copy = site.field(database.url, field.dir)
      await attack(copy)
      expect(await copy.verify('--platform', '--policy', copy.policy)).toEqual([code, found])
    } finally {
      await young.close()
      await writer.close()
      await database.drop()
    }
  },
)
