import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { KeyRoot } from '../../src/chain/log/key-book.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { postgresStatements } from '../../src/repo/heads/statement-store.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { HeadReader } from '../../src/verify/signed/head-reader.js'
import { type VerifyRequest, verifyChain } from '../../src/verify/verify-chain.js'
import { Writer } from '../support/append-chains.js'
import { NEVER } from '../support/archive-fixture.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'

const dir = mkdtempSync(join(tmpdir(), 'signed-heads-'))
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
  for (let i = 0; i < 5; i += 1) await writer.record(domainId)
  await log.sign()
  for (let i = 0; i < 4; i += 1) await writer.record(domainId)
  await log.sign()
  await writer.record(domainId)
})

afterAll(async () => {
  await log.close()
  await writer.close()
  await database.drop()
  rmSync(dir, { recursive: true, force: true })
})

const tools = { hasher: nodeHasher, treeHasher: nodeTreeHasher, verify: verifyEd25519 }
const home = (): KeyRoot => ({ by: 'home', keys: [log.signer.platform.key] })

async function verify(patch: Partial<VerifyRequest> = {}, root: KeyRoot = home(), checked?: string[]) {
  const counting = {
    ...tools,
    verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => {
      checked?.push(Buffer.from(signature).toString('hex'))
      return verifyEd25519(key, message, signature)
    },
  }
  const chain = patch.domainId ?? domainId
  const statements = postgresStatements(writer.database)
  const reader = await HeadReader.open({ root, tools: counting, statements }, chain)
  const signed = await reader.of(chain, NEVER)
  const request = { domainId: chain, fromSeq: 1, pins: [], signed, ...patch }
  return verifyChain(new PostgresSource(writer.database), request, () => undefined, NEVER)
}

describe('a chain with signed heads', () => {
  it('is signed through its newest head', async () => {
    const verdict = await verify()
    expect(verdict.ok).toBe(true)
    expect(verdict.signatures).toMatchObject({
      through: { throughSeq: 10, by: 'home', keyId: log.signer.platform.key.id, rowsBeyond: 1 },
      newestSize: 10,
      foreignRows: new Map(),
    })
    expect(verdict.signatures?.through?.beyondSince).toBe(verdict.lastRecordedAt)
  })

  it('takes at most one check of each signed row that is used', async () => {
    const checked: string[] = []
    await verify({}, home(), checked)
    expect(checked).toHaveLength(2)
  })

  it('is signed by the log itself where nobody else vouches for its key', async () => {
    const { signatures } = await verify({ domainId: PLATFORM_ANCHOR }, { by: 'log', keys: [] })
    expect(signatures?.through).toMatchObject({ by: 'log' })
  })
})
