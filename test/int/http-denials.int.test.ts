import { afterEach, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { ROWS_A_WINDOW } from '../../src/http/denials/allowance.js'
import { Denials } from '../../src/http/denials/denials.js'
import type { Denial } from '../../src/http/deps.js'
import { allFindings } from '../support/append-chains.js'
import { HttpFixture } from '../support/http-fixture.js'
import { rowsOf } from '../support/postgres.js'

const UNKNOWN = '018f0000-0000-7000-8000-00000000dead'

let fixture: HttpFixture

afterEach(() => fixture.close())

const rows = (chain: string) =>
  rowsOf(
    fixture.database.url,
    `SELECT relation, object, reason, relation_path, correlation_id, host(c.ip) AS ip, user_agent
     FROM audit_log_entry e LEFT JOIN audit_entry_context c USING (domain_id, seq)
     WHERE domain_id = $1 AND object LIKE 'audit-archive:%' ORDER BY seq`,
    [chain],
  )

describe('a denied request', () => {
  it('becomes a row of its chain after the answer', async () => {
    let write = () => {}
    fixture = await HttpFixture.make({ denialsAfter: new Promise((resolve) => (write = resolve)) })
    const { domainId } = fixture
    const headers = { 'user-agent': 'curl/8', 'x-forwarded-for': '203.0.113.9' }
    const listed = await fixture.ask('GET', fixture.path('entries'), { as: 'member', headers })
    const got = await fixture.ask('GET', fixture.path('entries/1'), { as: 'member', headers })
    await fixture.ask('POST', fixture.path('verify', PLATFORM_ANCHOR), { as: 'read-only', headers })
    expect(await rows(domainId)).toEqual([])
    write()
    await fixture.denials.close()
    const row = {
      relation: 'auditor',
      object: `audit-archive:${domainId}`,
      reason: 3,
      relation_path: [],
      ip: '127.0.0.1',
      user_agent: 'curl/8',
    }
    const [first, second, ...others] = await rows(domainId)
    expect(first).toEqual({ ...row, correlation_id: listed.json().correlation_id })
    expect(second).toEqual({ ...row, correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(got.body).not.toContain(second?.correlation_id)
    expect(others).toEqual([])
    expect(await rows(PLATFORM_ANCHOR)).toMatchObject([
      { reason: 2, object: `audit-archive:${PLATFORM_ANCHOR}` },
    ])
    expect(await allFindings(fixture.writer)).toEqual([])
  })

  it('has the address that a trusted proxy reports', async () => {
    const expected: readonly (readonly [forwarded: string, ip: string | null])[] = [
      ['203.0.113.9', '203.0.113.9'],
      ['203.0.113.9:4711', '203.0.113.9'],
      ['2001:db8::1', '2001:db8::1'],
      ['[2001:db8::1]:443', '2001:db8::1'],
      ['"[2001:DB8::1]:443"', '2001:db8::1'],
      ['[fe80::1%eth0]:443', 'fe80::1'],
      // Only the hop that the trusted proxy wrote counts. What is before it, the client may have invented.
      ['198.51.100.1, 203.0.113.9:4711', '203.0.113.9'],
      ['203.0.113.9:4711, 127.0.0.2:80', '203.0.113.9'],
      ['203.0.113.9, [::1]:80,127.0.0.2', '203.0.113.9'],
      ['127.0.0.5:80', '127.0.0.5'],
      ['unknown', null],
      ['198.51.100.1, _hidden', null],
      ['198.51.100.1,', null],
      ['203.0.113.9:4711, unknown, 127.0.0.2', null],
      ['203.0.113.9:port', null],
      ['203.0.113.999:80', null],
      ['client.example', null],
      ['', '127.0.0.1'],
    ]
    fixture = await HttpFixture.make({ app: { trustedProxies: ['127.0.0.0/8', '::1'] } })
    for (const [forwarded] of expected) {
      const headers = { 'x-forwarded-for': forwarded }
      await fixture.ask('GET', fixture.path('entries'), { as: 'member', headers })
    }
    await fixture.denials.close()
    const written = await rows(fixture.domainId)
    expect(expected.map(([forwarded], i) => [forwarded, written[i]?.ip])).toEqual(expected)
  })

  it('has the address of the connection when its proxy is not trusted', async () => {
    fixture = await HttpFixture.make({ app: { trustedProxies: ['10.0.0.0/8'] } })
    const headers = { 'x-forwarded-for': '203.0.113.9:4711' }
    await fixture.ask('GET', fixture.path('entries'), { as: 'member', headers })
    await fixture.denials.close()
    expect(await rows(fixture.domainId)).toMatchObject([{ ip: '127.0.0.1' }])
  })

  it('is found by the pseudonym of the denied caller', async () => {
    fixture = await HttpFixture.make()
    await fixture.writer.record(fixture.domainId, { subject_id: 'member' })
    await fixture.ask('GET', fixture.path('entries'), { as: 'member' })
    await fixture.denials.close()
    const subjects = await rowsOf(
      fixture.database.url,
      `SELECT count(DISTINCT subject_pseudonym)::int AS n FROM audit_log_entry WHERE domain_id = $1 AND seq > 1`,
      [fixture.domainId],
    )
    expect(subjects).toEqual([{ n: 1 }])
  })

  it('is only logged when the Domain does not exist', async () => {
    fixture = await HttpFixture.make()
    const answer = await fixture.ask('GET', fixture.path('entries', UNKNOWN), { as: 'member' })
    await fixture.denials.close()
    expect(await rows(UNKNOWN)).toEqual([])
    expect(fixture.lines.at(-1)).toEqual({
      level: 'warn',
      message: 'a denial is not on the chain',
      fields: {
        correlation_id: answer.json().correlation_id,
        domain_id: UNKNOWN,
        reason: 'insufficient_relation',
        count: 1,
        error: 'residency_unknown',
      },
    })
  })

  it('becomes part of one row with a count after a few rows', async () => {
    fixture = await HttpFixture.make()
    for (let i = 0; i < ROWS_A_WINDOW + 30; i++)
      await fixture.ask('GET', fixture.path('entries'), { as: 'member' })
    await fixture.denials.close()
    const all = await rows(fixture.domainId)
    expect(all).toHaveLength(ROWS_A_WINDOW + 1)
    expect(all.at(-1)).toMatchObject({ relation: 'auditor', relation_path: ['repeated:30'] })
  })

  it('is recorded for a caller whose id is part of the words of the entry', async () => {
    fixture = await HttpFixture.make()
    fixture.access.caller('audit', { subject: 'service:audit' })
    await fixture.ask('GET', fixture.path('entries'), { as: 'audit' })
    await fixture.denials.close()
    expect(await rows(fixture.domainId)).toHaveLength(1)
  })

  it('is written while the server runs', async () => {
    fixture = await HttpFixture.make()
    await fixture.ask('GET', fixture.path('entries'), { as: 'member' })
    await expect.poll(() => rows(fixture.domainId)).toHaveLength(1)
  })
})

describe('a queue that cannot be written', () => {
  const denial: Denial = {
    subject: 'user:m',
    subjectId: 'm',
    domainId: UNKNOWN,
    relation: 'auditor',
    reason: 'out_of_scope',
    correlationId: 'c',
  }

  it('is kept while Postgres is down, and is logged as lost at the end', async () => {
    fixture = await HttpFixture.make()
    let tries = 0
    const lost: unknown[] = []
    const record = async () => {
      tries += 1
      throw new AuditError('database_unavailable', 'gone')
    }
    const log = {
      info: () => undefined,
      error: () => undefined,
      warn: (fields: unknown) => void lost.push(fields),
    }
    const denials = new Denials({ record, log })
    denials.add(denial)
    await expect.poll(() => tries).toBe(1)
    expect(lost).toEqual([])
    await denials.close()
    expect(tries).toBe(2)
    expect(lost).toMatchObject([{ correlation_id: 'c', error: 'not written before the end' }])
  })
})
