import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { ChainClaims } from '../../src/repo/session/chain-claims.js'
import { Database } from '../../src/repo/session/database.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let test: TestDatabase
let database: Database

beforeAll(async () => {
  test = await testDatabase()
  database = new Database(test.url)
})

afterAll(async () => {
  await database.close()
  await test.drop()
})

const SET_BACK = 'UPDATE audit_claim SET renewed_at = renewed_at + $2::interval WHERE domain_id = $1'

describe('a claim', () => {
  it('keeps others away until it is released', async () => {
    const [one, other, domainId] = [
      new ChainClaims(database, 'archive'),
      new ChainClaims(database, 'archive'),
      randomUUID(),
    ]
    expect([await one.take(domainId), await other.take(domainId)]).toEqual([true, false])
    await one.release(domainId)
    expect(await other.take(domainId)).toBe(true)
    await other.close()
    expect(await rowsOf(test.url, 'SELECT FROM audit_claim')).toEqual([])
  })

  it('is taken by one of many', async () => {
    const domainId = randomUUID()
    const claims = Array.from({ length: 8 }, () => new ChainClaims(database, 'archive'))
    const taken = await Promise.all(claims.map((one) => one.take(domainId)))
    expect(taken.filter(Boolean)).toHaveLength(1)
    for (const one of claims) await one.close()
  })

  it.each<['archive' | 'restore', string]>([
    ['restore', randomUUID()],
    ['archive', PLATFORM_ANCHOR],
  ])('for another purpose or chain is independent: %s of %s', async (purpose, id) => {
    const [one, other] = [new ChainClaims(database, 'archive'), new ChainClaims(database, purpose)]
    const domainId = purpose === 'restore' ? id : randomUUID()
    expect([await one.take(domainId), await other.take(id)]).toEqual([true, true])
    await one.close()
    await other.close()
  })

  it.each([
    ['of a process that died 16 seconds ago has ended', '-16 s', true],
    ['that was renewed 10 seconds ago holds', '-10 s', false],
    ['with a forced time in the future has ended', '1 year', true],
  ])('%s', async (_what, shift, isFree) => {
    const [dead, other, domainId] = [
      new ChainClaims(database, 'archive'),
      new ChainClaims(database, 'archive'),
      randomUUID(),
    ]
    await dead.take(domainId)
    await rowsOf(test.url, SET_BACK, [domainId, shift])
    expect(await other.take(domainId)).toBe(isFree)
    // The process that lost its claim releases nothing of the other one.
    await dead.release(domainId)
    expect(await rowsOf(test.url, 'SELECT FROM audit_claim WHERE domain_id = $1', [domainId])).toHaveLength(
      isFree ? 1 : 0,
    )
    await other.close()
  })

  it('is renewed while its process works', async () => {
    const [one, domainId] = [new ChainClaims(database, 'restore'), randomUUID()]
    await one.take(domainId)
    const first = await one.renewedAt(domainId)
    await expect.poll(() => one.renewedAt(domainId), { timeout: 6_000, interval: 200 }).not.toBe(first)
    await one.close()
  })

  it('is not kept from anybody by the advisory locks of the version before', async () => {
    const client = new pg.Client({ connectionString: test.url })
    await client.connect()
    const domainId = randomUUID()
    await client.query(`SELECT pg_advisory_lock(hashtextextended('audit/archive/' || $1, 0))`, [domainId])
    const one = new ChainClaims(database, 'archive')
    expect(await one.take(domainId)).toBe(true)
    await one.close()
    await client.end()
  })
})
