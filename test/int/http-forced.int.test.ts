import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropChecks } from '../support/chain-rows.js'
import { HttpFixture } from '../support/http-fixture.js'
import { contractProblems } from '../support/openapi-contract.js'
import { asSuperuser } from '../support/postgres.js'

let fixture: HttpFixture

beforeAll(async () => {
  fixture = await HttpFixture.make({ rows: 12 })
  await fixture.writer.record(fixture.domainId, {
    caveat_context: ['__proto__.x', 'ip.cidr', 'ip.port', 'mfa'],
  })
})

afterAll(() => fixture.close())

const SQL_BY_SEQ = new Map([
  [2, `reason = 9`],
  [3, `reason = NULL`],
  [4, `entry_hash = '\\x00'`],
  [5, `prev_hash = NULL`],
  [6, `subject_pseudonym = repeat('x', 99)::bytea`],
  [7, `recorded_at = 'infinity'`],
  [8, `object = 'none'`],
  [9, `caveat_context = '{ip.cidr,1.2.3.4,"mfa=secret"}'`],
  [10, `relation_path = '{{a,b},{c,d}}'`],
  [11, `correlation_id = E'\\x01', relation = ''`],
  [12, `recorded_at = '-infinity', object = NULL`],
])

/** A row may have been forced past every CHECK. A 500 would hide its whole page and alert the operator for a bug. */
describe('rows that were forced past the CHECKs', () => {
  it('are sent within the contract', async () => {
    await asSuperuser(fixture.database.url, async (client) => {
      await dropChecks(client)
      for (const [seq, sql] of SQL_BY_SEQ) {
        await client.query(`UPDATE audit_log_entry SET ${sql} WHERE domain_id = $1 AND seq = $2`, [
          fixture.domainId,
          seq,
        ])
      }
    })
    const list = await fixture.ask('GET', fixture.path('entries'))
    expect(contractProblems('GET', fixture.path('entries'), list)).toEqual([])
    expect(list.statusCode).toBe(200)
    expect(list.json().items).toHaveLength(14)
    expect(list.body).not.toContain('secret')
  })

  it.each([...SQL_BY_SEQ])('are sent, as row %i, with a proof that does not recompute (%s)', async (seq) => {
    const url = fixture.path(`entries/${seq}`)
    const answer = await fixture.ask('GET', url)
    expect(contractProblems('GET', url, answer)).toEqual([])
    expect([answer.statusCode, answer.json().entry.seq]).toEqual([200, seq])
  })

  it('have empty canonical bytes when none can be made', async () => {
    const { proof } = (await fixture.ask('GET', fixture.path('entries/2'))).json()
    expect(proof.canonical_bytes).toBe('')
  })
})

it('shows every caveat by name, __proto__ included', async () => {
  const answer = await fixture.ask('GET', fixture.path('entries/14'))
  expect(answer.body).toContain('"caveat_context":{"__proto__":["x"],"ip":["cidr","port"],"mfa":[]}')
})

describe('verify of a chain with numbers beyond the contract', () => {
  const verify = async () => {
    const answer = await fixture.ask('POST', fixture.path('verify'))
    expect(contractProblems('POST', fixture.path('verify'), answer)).toEqual([])
    return [answer.statusCode, answer.json()]
  }

  it('reports a finding for a seq below 1', async () => {
    await asSuperuser(
      fixture.database.url,
      `UPDATE audit_log_entry SET seq = -5 WHERE domain_id = '${fixture.domainId}' AND seq = 12`,
    )
    expect(await verify()).toMatchObject([200, { ok: false, divergent_seq: -5 }])
  })

  it('reports a finding for a head count beyond the JSON numbers', async () => {
    await asSuperuser(fixture.database.url, async (client) => {
      await dropChecks(client, 'audit_log_chain_head')
      await client.query('UPDATE audit_log_chain_head SET next_seq = 9223372036854775807')
    })
    expect(await verify()).toMatchObject([200, { ok: false, segment_to: Number.MAX_SAFE_INTEGER }])
  })
})
