import { rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedOverReason } from '../../src/chain/log/signed-row.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { signOver } from '../../src/signer/sign-over.js'
import { NEVER } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { asSuperuser } from '../support/postgres.js'
import { signedProblems } from '../support/signed-problems.js'
import { SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
/** Returns a Domain of 12 archived rows, the first 3 of them signed. */
let begun: () => string
beforeAll(async () => {
  log = await SigningFixture.make()
  begun = await log.begun(12, 12)
})
afterAll(() => log.drop())

const sql = (text: string) => asSuperuser(log.url, text)
const damage = (id: string, ...seqs: number[]) =>
  sql(
    `UPDATE audit_log_entry SET object = 'project:forged' WHERE domain_id = '${id}' AND seq IN (${seqs.join()})`,
  )
const drop = (id: string, ...seqs: number[]) =>
  sql(`DELETE FROM audit_log_entry WHERE domain_id = '${id}' AND seq IN (${seqs.join()})`)
const unstamp = (id: string, ...seqs: number[]) =>
  sql(unstampSql(`domain_id = '${id}' AND seq IN (${seqs.join()})`))

async function over(domainId: string, reason: SignedOverReason = 'rows_damaged') {
  const { ranges, signed } = await signOver(log.signer().deps, { domainId, reason }, NEVER)
  const result = signed.find((one) => one.domainId === domainId)
  return {
    ranges: ranges.map(({ from, to }) => `${from}-${to}`),
    size: result?.size,
    ...(result?.reason && { reason: result.reason }),
  }
}

const itemsOf = async (domainId: string) =>
  (await log.signedRows('audit.signed-over'))
    .map(({ items }) => items)
    .filter(([chain]) => chain === `chain:${domainId}:1`)

describe('signing over', () => {
  it.each<[string, (id: string) => Promise<unknown>, string[], number]>([
    ['an edited row', (id) => damage(id, 6), ['6-6'], 12],
    ['rows next to each other and apart', (id) => damage(id, 4, 5, 9), ['4-5', '9-9'], 12],
    ['a missing row', (id) => drop(id, 7, 8), ['7-8'], 12],
    ['a row that was never archived', (id) => unstamp(id, 6), ['6-6'], 12],
    ['an object that is gone', (id) => rm(log.log.pathOf(id, 5)), ['5-5'], 12],
    ['an object that is no object', (id) => writeFile(log.log.pathOf(id, 5), 'x'), ['5-5'], 12],
    ['the last row: signing ends before it', (id) => damage(id, 12), ['12-12'], 11],
    ['nothing, where nothing is in the way', async () => undefined, [], 12],
    ['no rows that are not archived yet', (id) => unstamp(id, 11, 12), [], 10],
  ])('takes the data of rows from the tree: %s', async (_why, attack, ranges, size) => {
    const domainId = begun()
    await attack(domainId)
    expect(await over(domainId)).toEqual({ ranges, size })
    const items = await itemsOf(domainId)
    const expected = ranges.map((range) => `rows:${range}`)
    expect(items.map((row) => row.slice(1, -1))).toEqual(
      ranges.length === 0 ? [] : [[...expected, 'reason:rows_damaged']],
    )
    // Later rows are signed as usual. The finding stays, and is no new reason.
    await log.append(domainId, 3)
    await log.signer().archiver.once()
    await log.signer().pass({ only: new Set([domainId]) })
  })

  it('gives trees that others can compute from the rows and the signed rows', async () => {
    expect(await signedProblems(log)).toEqual([])
  })

  it('enrols a chain that has findings', async () => {
    const domainId = await log.domain(6)
    const signer = log.signer()
    await signer.archiver.once()
    await damage(domainId, 3)
    expect(await signer.pass({ only: new Set([domainId]) })).toContainEqual({
      domainId,
      size: 0,
      rows: 0,
      reason: 'findings',
    })
    expect(await over(domainId)).toEqual({ ranges: ['3-3'], size: 6 })
  })

  it('enrols a chain whose creation is damaged in the platform chain, and that a pass names until then', async () => {
    const domainId = await log.domain(4)
    const signer = log.signer()
    await signer.archiver.once()
    await sql(`UPDATE audit_log_entry SET object = 'domain:x'
      WHERE domain_id = '${PLATFORM_ANCHOR}' AND object = 'domain:${domainId}'`)
    const refused = { domainId, size: 0, rows: 0, reason: 'not_initialised' }
    for (const isNew of [true, false])
      expect(await signer.once({ only: new Set([domainId]) }, isNew)).toContainEqual(refused)
    expect(await over(domainId)).toEqual({ ranges: [], size: 4 })
  })

  it('begins a log whose platform chain has a finding, and no other', async () => {
    const other = await SigningFixture.make()
    const domainId = await other.domain(1)
    const signer = other.signer()
    await signer.archiver.once()
    await asSuperuser(
      other.url,
      `UPDATE audit_log_entry SET object = 'x:forged' WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq = 1`,
    )
    expect(await signer.pass()).toMatchObject([{ domainId: PLATFORM_ANCHOR, reason: 'findings' }])
    const request = { reason: 'rows_damaged' } as const
    await expect(signOver(signer.deps, { ...request, domainId }, NEVER)).rejects.toMatchObject({
      code: 'nothing_to_sign',
    })
    const planned = await signOver(
      signer.deps,
      { ...request, domainId: PLATFORM_ANCHOR, isPlan: true },
      NEVER,
    )
    expect(planned).toEqual({ ranges: [{ from: 1, to: 1 }], signed: [] })
    expect(await other.signedRows('audit.log-key')).toEqual([])
    expect(await signOver(signer.deps, { ...request, domainId: PLATFORM_ANCHOR }, NEVER)).toMatchObject({
      ranges: [{ from: 1, to: 1 }],
      signed: [{ domainId: PLATFORM_ANCHOR, size: 2 }],
    })
    const results = await signer.once()
    expect(results).toContainEqual({ domainId, size: 1, rows: 1 })
    expect(results.filter(({ reason }) => reason !== undefined)).toEqual([])
    await other.drop()
  })

  it('begins no log again whose platform chain lost its signed rows', async () => {
    const other = await SigningFixture.make()
    await other.domain(1)
    const signer = other.signer()
    await signer.once()
    await asSuperuser(
      other.url,
      `DELETE FROM audit_log_entry WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq > 2;
       UPDATE audit_log_chain_head SET next_seq = 3, head_hash = (SELECT entry_hash FROM audit_log_entry
         WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq = 2) WHERE domain_id = '${PLATFORM_ANCHOR}'`,
    )
    const request = { domainId: PLATFORM_ANCHOR, reason: 'rows_lost' } as const
    expect((await signOver(signer.deps, request, NEVER)).signed).toMatchObject([{ reason: 'rolled_back' }])
    expect(await other.signedRows('audit.log-key')).toEqual([])
    await other.drop()
  })

  it('writes more than 32 ranges in several rows, with the actor', async () => {
    const domainId = await log.domain(80)
    const signer = log.signer()
    await signer.archiver.once()
    await damage(domainId, ...Array.from({ length: 36 }, (_, at) => 2 + 2 * at))
    const by = 'ab'.repeat(32)
    const { ranges } = await signOver(signer.deps, { domainId, reason: 'test', by }, NEVER)
    expect(ranges).toHaveLength(36)
    expect((await itemsOf(domainId)).map((items) => items.length)).toEqual([1 + 32 + 3, 1 + 4 + 3])
    expect((await itemsOf(domainId))[0]?.slice(-3, -1)).toEqual(['reason:test', `by:${by}`])
  })

  it('rejects where there is no chain, and where the log has no key yet', async () => {
    const other = await SigningFixture.make()
    const signer = other.signer()
    const request = { domainId: PLATFORM_ANCHOR, reason: 'test' } as const
    await expect(signOver(signer.deps, request, NEVER)).rejects.toMatchObject({ code: 'nothing_to_sign' })
    const domainId = await other.domain(1)
    await expect(signOver(signer.deps, { ...request, domainId }, NEVER)).rejects.toMatchObject({
      code: 'nothing_to_sign',
    })
    await other.drop()
  })
})
