import { afterEach, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { ROWS_A_WINDOW } from '../../src/http/denials/allowance.js'
import { Denials } from '../../src/http/denials/denials.js'
import type { Denial } from '../../src/http/parts.js'
import { allFindings } from '../support/append-chains.js'
import { HttpGround } from '../support/http-ground.js'
import { rowsOf } from '../support/postgres.js'

const UNKNOWN = '018f0000-0000-7000-8000-00000000dead'

let ground: HttpGround

afterEach(() => ground.close())

const rows = (chain: string) =>
  rowsOf(
    ground.database.url,
    `SELECT relation, object, reason, relation_path, correlation_id, host(c.ip) AS ip, user_agent
     FROM audit_log_entry e LEFT JOIN audit_entry_context c USING (domain_id, seq)
     WHERE domain_id = $1 AND object LIKE 'audit-archive:%' ORDER BY seq`,
    [chain],
  )

describe('a denied request', () => {
  it('is a row of the chain that it was about, after its answer', async () => {
    ground = await HttpGround.make()
    const { domainId } = ground
    const headers = { 'user-agent': 'curl/8', 'x-forwarded-for': '203.0.113.9' }
    const listed = await ground.ask('GET', ground.path('entries'), { as: 'member', headers })
    const got = await ground.ask('GET', ground.path('entries/1'), { as: 'member', headers })
    await ground.ask('POST', ground.path('verify', PLATFORM_ANCHOR), { as: 'read-only', headers })
    expect(await rows(domainId)).toEqual([])
    await ground.denials.close()
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
    expect(await allFindings(ground.writer)).toEqual([])
  })

  it('is from where a trusted proxy says', async () => {
    ground = await HttpGround.make({ app: { trustedProxies: ['127.0.0.0/8'] } })
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    await ground.ask('GET', ground.path('entries'), { as: 'member', headers })
    await ground.denials.close()
    expect(await rows(ground.domainId)).toMatchObject([{ ip: '203.0.113.9' }])
  })

  it('is found by the pseudonym of who was refused', async () => {
    ground = await HttpGround.make()
    await ground.writer.record(ground.domainId, { subject_id: 'member' })
    await ground.ask('GET', ground.path('entries'), { as: 'member' })
    await ground.denials.close()
    const subjects = await rowsOf(
      ground.database.url,
      `SELECT count(DISTINCT subject_pseudonym)::int AS n FROM audit_log_entry WHERE domain_id = $1 AND seq > 1`,
      [ground.domainId],
    )
    expect(subjects).toEqual([{ n: 1 }])
  })

  it('is logged alone where there is no such Domain', async () => {
    ground = await HttpGround.make()
    const answer = await ground.ask('GET', ground.path('entries', UNKNOWN), { as: 'member' })
    await ground.denials.close()
    expect(await rows(UNKNOWN)).toEqual([])
    expect(ground.lines.at(-1)).toEqual({
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

  it('floods no chain: beyond a few, one row counts them', async () => {
    ground = await HttpGround.make()
    for (let i = 0; i < ROWS_A_WINDOW + 30; i++)
      await ground.ask('GET', ground.path('entries'), { as: 'member' })
    await ground.denials.close()
    const all = await rows(ground.domainId)
    expect(all).toHaveLength(ROWS_A_WINDOW + 1)
    expect(all.at(-1)).toMatchObject({ relation: 'auditor', relation_path: ['repeated:30'] })
  })

  it('is on the chain also of a caller whose id stands in our own words', async () => {
    ground = await HttpGround.make()
    ground.access.caller('audit', { subject: 'service:audit' })
    await ground.ask('GET', ground.path('entries'), { as: 'audit' })
    await ground.denials.close()
    expect(await rows(ground.domainId)).toHaveLength(1)
  })

  it('is written by and by, without the server being closed', async () => {
    ground = await HttpGround.make()
    await ground.ask('GET', ground.path('entries'), { as: 'member' })
    await expect.poll(() => rows(ground.domainId)).toHaveLength(1)
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

  it('is kept while Postgres is gone, and told as lost at the end', async () => {
    ground = await HttpGround.make()
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
