import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { NotSignedAlerts } from '../../src/signer/not-signed-alerts.js'
import { Signer } from '../../src/signer/sign-pass.js'
import { NEVER } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { signedProblems } from '../support/signed-problems.js'
import { SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
let domainId: string
const logs: SigningFixture[] = []
/** A log whose platform chain has 6 rows, which are all signed. The last two name heads of the Domain. */
beforeEach(async () => {
  log = await SigningFixture.make()
  logs.push(log)
  domainId = await log.domain(3)
  for (let pass = 0; pass < 3; pass += 1) {
    await log.append(domainId, 1)
    await log.signer().once()
  }
})
afterAll(() => Promise.all(logs.map((one) => one.drop())))

const lastOf = async (id: string) =>
  Number(
    (await rowsOf(log.url, 'SELECT max(seq) AS seq FROM audit_log_entry WHERE domain_id = $1', [id]))[0]?.seq,
  )

/** Puts a chain back to what it was at a row, as an old backup does. */
const rollBack = (id: string, last: number) =>
  asSuperuser(
    log.url,
    `DELETE FROM audit_log_entry WHERE domain_id = '${id}' AND seq > ${last};
     UPDATE audit_log_chain_head SET next_seq = ${last + 1}, head_hash = (SELECT entry_hash FROM audit_log_entry
       WHERE domain_id = '${id}' AND seq = ${last}) WHERE domain_id = '${id}';
     DELETE FROM audit_checkpoint WHERE domain_id = '${PLATFORM_ANCHOR}' AND size > ${last} AND '${id}' = '${PLATFORM_ANCHOR}'`,
  )

const objects = async () => {
  const folder = join(new URL(log.log.mirrorUrl).pathname, 'audit', PLATFORM_ANCHOR)
  return (await readdir(folder, { recursive: true })).filter((name) => name.includes('.')).sort()
}

const emptyState = () => rm(join(log.log.dir, 'home', 'signer'), { recursive: true })

describe('a platform chain that is not the one that was signed', () => {
  it.each<[string, number, number, (() => Promise<unknown>) | undefined, string, string | undefined]>([
    ['an old backup was put back', 4, 0, undefined, 'rolled_back', 'checkpoint_rollback'],
    ['and has grown again below what was signed', 4, 1, undefined, 'rolled_back', 'checkpoint_rollback'],
    ['and has grown again up to it', 4, 2, undefined, 'rolled_back', 'checkpoint_mismatch'],
    ['and has grown again beyond it', 4, 4, undefined, 'rolled_back', 'checkpoint_mismatch'],
    ['a backup from before the first key', 2, 1, undefined, 'rolled_back', 'checkpoint_rollback'],
    ['the same, on a machine without a state', 4, 3, emptyState, 'state_missing', undefined],
  ])('gets no signed row: %s', async (_why, last, more, act, reason, code) => {
    const end = await lastOf(PLATFORM_ANCHOR)
    const running = log.signer()
    await running.pass()
    const before = await objects()
    await act?.()
    await rollBack(PLATFORM_ANCHOR, last)
    for (let row = 0; row < more; row += 1) await log.domain(1)
    await log.append(domainId, 2)
    for (const signer of [log.signer(), ...(act === undefined ? [running] : [])]) {
      const results = await signer.once({}, signer !== running)
      expect(results.filter((result) => result.domainId === PLATFORM_ANCHOR)).toMatchObject([
        { domainId: PLATFORM_ANCHOR, reason },
      ])
      expect(await lastOf(PLATFORM_ANCHOR)).toBe(last + more)
      const found = signer.found.filter((one) => one.domainId === PLATFORM_ANCHOR)
      expect(found.map((one) => one.code)).toEqual(code === undefined ? [] : [code])
    }
    // Only rows that the fork has beyond the end of the mirror are archived, and no signer wrote them.
    expect((await objects()).length).toBe(before.length + Math.max(0, last + more - end))
  })

  it('gets no signed row where the archiver holds an unsigned row back that the mirror has otherwise', async () => {
    const end = await lastOf(PLATFORM_ANCHOR)
    const running = log.signer()
    await running.pass()
    await log.domain(1)
    await running.archiver.once()
    await rollBack(PLATFORM_ANCHOR, end)
    await log.domain(1)
    await log.append(domainId, 1)
    const results = await log.signer().once()
    expect(results).toContainEqual({ domainId: PLATFORM_ANCHOR, size: 0, rows: 0, reason: 'copies_differ' })
    expect(await lastOf(PLATFORM_ANCHOR)).toBe(end + 1)
  })
})

describe('a chain that was rolled back', () => {
  it.each(['the platform chain', 'a Domain'])('raises one alert as long as it lasts: %s', async (which) => {
    const id = which === 'a Domain' ? domainId : PLATFORM_ANCHOR
    const raised: unknown[] = []
    const alerts = new NotSignedAlerts({ notSigned: (alert) => raised.push(alert) }, () => 0)
    let now = 0
    const signer = new Signer({ ...log.signer().deps, clock: () => now })
    await rollBack(id, 4)
    for (const minutes of [0, 1, 2, 61, 62, 123]) {
      now = minutes * 60_000
      alerts.report(await signer.pass({}, NEVER))
    }
    expect(raised).toEqual([{ domainId: id, reason: 'rolled_back', since: 0 }])
  })
})

describe('a machine that keeps no state', () => {
  it('pins the platform chain in rows at each pass', async () => {
    const end = await lastOf(PLATFORM_ANCHOR)
    for (let pass = 0; pass < 2; pass += 1) {
      await emptyState()
      await log.append(domainId, 1)
      await log.signer().once()
    }
    const rows = (await log.signedRows('audit.checkpoint')).filter(({ seq }) => seq > end)
    const pins = rows.map(({ items }) => items.find((item) => item.startsWith(`head:${PLATFORM_ANCHOR}`)))
    expect(pins.map((pin) => Number(pin?.split(':')[3]))).toEqual([end, end + 1])
    expect(await signedProblems(log)).toEqual([])
  })
})

describe('a platform chain that is the one that was signed', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['without a state', emptyState],
    ['with a row that waits for the archiver', () => log.domain(1)],
    [
      'with rows that have lost their stamps',
      () => asSuperuser(log.url, unstampSql(`domain_id = '${PLATFORM_ANCHOR}'`)),
    ],
  ])('gets the next heads: %s', async (_why, act) => {
    await log.append(domainId, 1)
    const signer = log.signer()
    await signer.archiver.once()
    await act()
    expect(await signer.pass()).toContainEqual({ domainId, size: 7, rows: 1 })
    expect(await signedProblems(log)).toEqual([])
  })
})
