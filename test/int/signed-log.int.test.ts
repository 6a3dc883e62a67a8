import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { KeyBook } from '../../src/chain/log/key-book.js'
import { parseNote } from '../../src/chain/note/note.js'
import { signersOf } from '../../src/chain/note/signers.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { Writer } from '../support/append-chains.js'
import { PLATFORM } from '../support/log-signer.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

const dir = mkdtempSync(join(tmpdir(), 'signed-log-'))
let database: TestDatabase
let writer: Writer
let log: SignedLog
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  writer = new Writer(database.url)
  domainId = await writer.create()
  log = await SignedLog.open({ url: database.url, mirrorUrl: pathToFileURL(dir).href })
  await log.enrol()
})

afterAll(async () => {
  await log.close()
  await writer.close()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

it('signs the heads of a log in rows, in the mirror and in the index', async () => {
  const [head] = await log.sign()
  await log.sign()
  const rows = await rowsOf(
    database.url,
    `SELECT seq::int, relation, object, relation_path AS "relationPath" FROM audit_log_entry
     WHERE domain_id = '${PLATFORM_ANCHOR}' AND relation IN ('audit.log-key', 'audit.checkpoint') ORDER BY seq`,
  )
  const book = KeyBook.of({ by: 'log', keys: [] }, rows as never, verifyEd25519)
  expect(rows.map((row) => book.signerOf(row as never)?.id)).toEqual(
    Array(3).fill(log.signer.platform.key.id),
  )
  expect(rows[2]?.relationPath).toHaveLength(3)
  const keys = book.rangesOf({ domainId, incarnation: 1 }).map(({ key }) => key)
  expect(signersOf(parseNote(head?.note ?? '') as never, keys, verifyEd25519)?.known.size).toBe(1)
  expect(book.rangesOf(PLATFORM)).toHaveLength(1)
  expect(readdirSync(join(dir, 'tlog', domainId, 'checkpoints'))).toHaveLength(1)
  expect(readdirSync(join(dir, 'tlog', PLATFORM_ANCHOR, 'checkpoints'))).toHaveLength(2)
  expect(readdirSync(join(dir, 'tlog', PLATFORM_ANCHOR, 'keys'))).toHaveLength(1)
  const indexed = await rowsOf(
    database.url,
    'SELECT size::int, platform_seq::int FROM audit_checkpoint ORDER BY signed_at',
  )
  expect(indexed).toHaveLength(3)
})
