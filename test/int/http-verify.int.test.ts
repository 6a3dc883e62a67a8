import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { HttpFixture } from '../support/http-fixture.js'
import { contractProblems } from '../support/openapi-contract.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

let fixture: HttpFixture

beforeAll(async () => {
  fixture = await HttpFixture.make({ rows: 4, deps: { maxVerifies: 1 } })
})

afterAll(() => fixture.close())

afterEach(() => void fixture.reported.splice(0))

const verify = (body?: string, headers: Record<string, string> = {}, chain?: string) =>
  fixture.ask('POST', fixture.path('verify', chain), { ...(body !== undefined && { body }), headers })

const JSON_TYPE = { 'content-type': 'application/json' }

describe('the whole chain', () => {
  it.each([
    ['no body at all', undefined, {}],
    ['no body, of type JSON', undefined, JSON_TYPE],
    ['an empty body, of type JSON', '', { ...JSON_TYPE, 'content-length': '0' }],
    ['an empty body of a form (curl -d "")', '', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['an empty object', '{}', JSON_TYPE],
    ['an empty object, with a charset', '{}', { 'content-type': 'application/json; charset=utf-8' }],
  ])('is verified for %s', async (_, body, headers) => {
    const answer = await verify(body, headers)
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true, segment_from: 1, segment_to: 5 }])
    expect(contractProblems('POST', fixture.path('verify'), answer)).toEqual([])
  })

  it('is verified for an empty body over the network, chunked or not', async () => {
    const url = `${await fixture.url()}${fixture.path('verify')}`
    const headers = { authorization: 'Bearer auditor', 'content-type': 'application/json' }
    const plain = await fetch(url, { method: 'POST', headers })
    const body = new ReadableStream({ start: (controller) => controller.close() })
    const chunked = await fetch(url, { method: 'POST', headers, body, duplex: 'half' })
    expect([plain.status, chunked.status]).toEqual([200, 200])
  })

  it('serves the platform chain under /v1/platform', async () => {
    expect((await verify(undefined, {}, PLATFORM_ANCHOR)).json()).toEqual({
      ok: true,
      segment_from: 1,
      segment_to: 2,
    })
  })
})

describe('a segment', () => {
  it.each([
    ['{"from_seq":2}', 2, 5],
    ['{"to_seq":3}', 1, 3],
    ['{"from_seq":3,"to_seq":3}', 3, 3],
  ])('covers %s as %i to %i', async (body, segment_from, segment_to) => {
    expect((await verify(body, JSON_TYPE)).json()).toEqual({ ok: true, segment_from, segment_to })
  })
})

describe('verifications at the limit', () => {
  /** Locks the rows, so that a verify cannot read them until `use` has ended. */
  async function whileLocked<T>(use: () => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: fixture.database.url })
    await client.connect()
    try {
      await client.query('BEGIN; LOCK TABLE audit_log_entry IN ACCESS EXCLUSIVE MODE')
      return await use()
    } finally {
      await client.end()
    }
  }

  const waiting = async () => {
    const rows = await rowsOf(
      fixture.database.url,
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length
  }

  it('refuse another one with 429 and Retry-After', async () => {
    const running = await whileLocked(async () => {
      const first = verify()
      await expect.poll(waiting).toBe(1)
      const answer = await verify()
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '10'])
      expect(contractProblems('POST', fixture.path('verify'), answer)).toEqual([])
      return { first }
    })
    expect((await running.first).statusCode).toBe(200)
    expect((await verify()).statusCode).toBe(200)
  })

  it('free their slot when a client disconnects', async () => {
    const url = `${await fixture.url()}${fixture.path('verify')}`
    const gone = new AbortController()
    await whileLocked(async () => {
      const headers = { authorization: 'Bearer auditor' }
      const first = fetch(url, { method: 'POST', headers, signal: gone.signal }).catch(String)
      await expect.poll(waiting).toBe(1)
      gone.abort()
      await first
      const second = () => Promise.race([verify().then(({ statusCode }) => statusCode), sleep(50, 'waits')])
      await expect.poll(second).toBe('waits')
    })
    await expect.poll(async () => (await verify()).statusCode).toBe(200)
    expect(fixture.lines.some(({ fields }) => fields.aborted === true)).toBe(true)
    expect(fixture.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a divergence', () => {
  it('is a finding, not an error: answers 200, is quarantined and changes readiness', async () => {
    await asSuperuser(
      fixture.database.url,
      `UPDATE audit_log_entry SET relation = 'project.write' WHERE domain_id = '${fixture.domainId}' AND seq = 3`,
    )
    const answer = await verify()
    expect(contractProblems('POST', fixture.path('verify'), answer)).toEqual([])
    const [row] = await rowsOf(
      fixture.database.url,
      `SELECT code, divergent_seq::int, encode(expected_hash, 'hex') AS expected, encode(observed_hash, 'hex') AS observed
       FROM audit_tamper_quarantine`,
    )
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        ok: false,
        segment_from: 1,
        segment_to: 5,
        divergent_seq: 3,
        expected_hash: row?.expected,
        observed_hash: row?.observed,
      },
    ])
    expect(row).toMatchObject({ code: 'entry_hash_mismatch', divergent_seq: 3 })
    expect(fixture.reported).toMatchObject([
      [fixture.domainId, [{ code: 'entry_hash_mismatch', seqFrom: 3 }]],
    ])
  })

  it('is reported even when it cannot be quarantined', async () => {
    await asSuperuser(fixture.database.url, 'ALTER TABLE audit_tamper_quarantine RENAME TO elsewhere')
    const answer = await verify()
    expect([answer.statusCode, answer.json().ok]).toEqual([200, false])
    expect(fixture.reported).toHaveLength(1)
    expect(fixture.lines.some(({ message }) => message === 'findings not quarantined')).toBe(true)
  })
})

describe('damage that reaches beyond the segment', () => {
  let damaged: HttpFixture

  beforeAll(async () => {
    damaged = await HttpFixture.make({ rows: 9 })
    await asSuperuser(
      damaged.database.url,
      `DELETE FROM audit_log_entry WHERE domain_id = '${damaged.domainId}' AND seq BETWEEN 4 AND 7`,
    )
  })

  afterAll(() => damaged.close())

  it.each([
    [undefined, { segment_from: 1, segment_to: 10, divergent_seq: 4 }],
    ['{"from_seq":5,"to_seq":6}', { segment_from: 5, segment_to: 6, divergent_seq: 5 }],
    ['{"to_seq":4}', { segment_from: 1, segment_to: 4, divergent_seq: 4 }],
    ['{"from_seq":7}', { segment_from: 7, segment_to: 10, divergent_seq: 7 }],
  ])('is one record for any requested segment: %s', async (body, answer) => {
    const options = body === undefined ? {} : { body, headers: JSON_TYPE }
    const verified = await damaged.ask('POST', damaged.path('verify'), options)
    expect(verified.json()).toMatchObject({ ok: false, ...answer })
    expect(damaged.reported.at(-1)?.[1]).toMatchObject([{ code: 'seq_gap', seqFrom: 4, seqTo: 7 }])
    const records = await rowsOf(damaged.database.url, 'SELECT seq_from::int FROM audit_tamper_quarantine')
    expect(records).toEqual([{ seq_from: 4 }])
  })
})
