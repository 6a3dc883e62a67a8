import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { acknowledgeQuarantine } from '../../src/quarantine/acknowledge.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { knownChains } from '../../src/repo/verify/known-chains.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { ACTOR } from '../support/append-chains.js'
import { stampSql } from '../support/archive-stamps.js'
import { chainRows, insertDomain, insertRows } from '../support/chain-rows.js'
import { OutageProxy } from '../support/outage-proxy.js'
import { ProbeFixture, type Running } from '../support/probe-fixture.js'

let fixture: ProbeFixture

beforeEach(async () => {
  fixture = await ProbeFixture.make()
})

afterEach(() => fixture.close())

const WAIT = { timeout: 30_000, interval: 20 }
const becomes = ({ probe }: Running, state: string) => expect.poll(() => probe.state(), WAIT).toBe(state)
const where = (domainId: string) => `WHERE domain_id = '${domainId}'`
const forge = (domainId: string, seqs: string) =>
  `UPDATE audit_log_entry SET relation = 'forged' ${where(domainId)} AND seq ${seqs}`
const messages = ({ lines }: Running) => lines.map(({ message }) => message)

const found = () =>
  fixture.rows(
    `SELECT domain_id, code, seq_from::text, seq_to::text, encode(expected_hash, 'hex') AS expected,
       encode(observed_hash, 'hex') AS observed
     FROM audit_tamper_quarantine q ORDER BY q.seq_from, q.code`,
  )

/** Creates a chain without the product's append, beside a platform chain. */
async function plainChain(length: number): Promise<string> {
  const domainId = await fixture.chain(0)
  await fixture.attack(
    `DELETE FROM audit_log_entry ${where(domainId)}; DELETE FROM audit_log_chain_head ${where(domainId)};
     DELETE FROM audit_domain ${where(domainId)}`,
  )
  await insertDomain(
    fixture.database.url,
    domainId,
    Array.from({ length }, () => ({})),
  )
  return domainId
}

/** Returns the findings of a verification of the whole chain. */
async function findingsOf(domainId: string) {
  const source = new PostgresSource(fixture.writer.database)
  const known = await fixture.writer.database.read(knownChains)
  const request = { domainId, fromSeq: 1, pins: [], known }
  const { findings } = await verifyChain(source, request, () => undefined, new AbortController().signal)
  return findings
}

/** Acknowledges every open record as the command does. */
async function acknowledge(): Promise<void> {
  const open = await fixture.rows('SELECT id::int FROM audit_tamper_quarantine WHERE acknowledged_at IS NULL')
  const { database: db, pepper } = fixture.writer
  const ports = { store: postgresQuarantine(db), pepper, actor: ACTOR }
  await acknowledgeQuarantine(ports, { ids: open.map(({ id }) => Number(id)) }, 'seen')
}

describe('signed heads', () => {
  const SIGN = `INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note)
    VALUES ($1, 1, 2, sha256('r'), sha256('e'), 'n')`

  it('are figures of the probe, and a late signature is no reason to be unready', async () => {
    // Its rows are old enough for a stamp of yesterday to count.
    const domainId = await plainChain(4)
    await fixture.rows(SIGN, [domainId])
    await fixture.rows(stampSql(`domain_id = '${domainId}'`, { at: "now() - interval '1 day'" }))
    const role = `serves_${process.pid}`
    await fixture.rows(`CREATE ROLE ${role} LOGIN IN ROLE audit_writer`)
    const running = fixture.start({}, fixture.database.url.replace('postgres@', `${role}@`))
    await becomes(running, 'ready')
    const signed = () => running.probe.figures().chains.find((one) => one.domainId === domainId)?.signed
    await expect.poll(signed, WAIT).toMatchObject({ signedSeq: 2, unsignedRows: 2 })
    expect(signed()?.waitingSeconds).toBeGreaterThan(86_000)
    expect(running.probe.state()).toBe('ready')
    expect(running.probe.figures().chains.filter((one) => one.signed !== undefined)).toHaveLength(1)
    expect(running.lines.filter(({ level }) => level === 'error')).toEqual([])
    await running.close()
    await fixture.rows(`DROP ROLE ${role}`)
  })

  it.each(['checkpoint_mismatch', 'checkpoint_rollback', 'checkpoint_conflict'] as const)(
    'that the rows contradict (%s) make the state diverged, until somebody acknowledges it',
    async (code) => {
      const domainId = await fixture.chain(3)
      const running = fixture.start()
      await becomes(running, 'ready')
      const expected = 'ab'.repeat(32)
      const found = { code, seqFrom: 2, seqTo: 3, expected, detail: 'rows 2 to 3 were signed otherwise' }
      const quarantine = postgresQuarantine(fixture.writer.database)
      expect(await quarantine.record(domainId, 'postgres', [found])).toBe(1)
      await becomes(running, 'diverged')
      expect(running.probe.figures().quarantined).toEqual([{ code, acknowledged: false, count: 1 }])
      await acknowledge()
      await becomes(running, 'degraded')
    },
  )

  it('that cannot be read leave the probe ready, and count as an error', async () => {
    await fixture.chain(1)
    await fixture.attack('ALTER TABLE audit_checkpoint RENAME TO elsewhere')
    const running = fixture.start()
    await becomes(running, 'ready')
    const failures = () => running.lines.filter(({ fields }) => fields.what === 'signed')
    await expect.poll(() => failures().length, WAIT).toBe(1)
    expect(running.probe.figures().errors.size).toBe(1)
    expect(running.probe.state()).toBe('ready')
  })
})

describe('readiness', () => {
  it('is pending, then ready; an edit makes it diverged, an acknowledgement degraded', async () => {
    const domainId = await fixture.chain(30)
    const running = fixture.start({ fullEvery: 500 })
    expect(running.probe.state()).toBe('pending')
    await becomes(running, 'ready')
    await fixture.attack(forge(domainId, '= 7'))
    await becomes(running, 'diverged')
    // The state changes before the finding is recorded.
    await expect
      .poll(found, WAIT)
      .toMatchObject([{ code: 'entry_hash_mismatch', seq_from: '7', seq_to: '7' }])
    await acknowledge()
    await becomes(running, 'degraded')
    // Each pass finds it again, and no pass reports it again.
    const scans = running.scans.length
    await expect.poll(() => running.scans.length, WAIT).toBeGreaterThan(scans + 4)
    expect([running.probe.state(), (await found()).length]).toEqual(['degraded', 1])
    const alert = { domainId, source: 'postgres', findings: [expect.objectContaining({ seqFrom: 7 })] }
    expect(running.alerts).toEqual([alert])
    // Forging the same row again is a new finding.
    await fixture.attack(forge(domainId, '= 7').replace('forged', 'forged again'))
    await becomes(running, 'diverged')
    await expect.poll(found, WAIT).toHaveLength(2)
  })

  it('is equal on several servers, and one server keeps the progress of another that starts', async () => {
    const domainId = await fixture.chain(30)
    const through = fixture.start({ fullEvery: 500 })
    await becomes(through, 'ready')
    // The server is ready just before it writes the end of its first pass.
    const inFirstPass = () => fixture.rows('SELECT FROM audit_reconcile WHERE boot_seq IS NOT NULL')
    await expect.poll(inFirstPass, WAIT).toEqual([])
    await fixture.attack(
      `UPDATE audit_reconcile SET boot_seq = 9, boot_hash = sha256('x'), boot_started_at = now() ${where(domainId)}`,
    )
    const kept = () =>
      fixture.rows(`SELECT boot_seq::int, verified_seq::int FROM audit_reconcile ${where(domainId)}`)
    await fixture.append(domainId, 1)
    await expect.poll(kept, WAIT).toEqual([{ boot_seq: 9, verified_seq: 32 }])
    await fixture.attack(
      'UPDATE audit_reconcile SET boot_seq = NULL, boot_hash = NULL, boot_started_at = NULL',
    )
    const started = fixture.start({ fullEvery: 500 })
    await becomes(started, 'ready')
    await fixture.attack(forge(domainId, '= 7'))
    await Promise.all([becomes(through, 'diverged'), becomes(started, 'diverged')])
    await expect.poll(found, WAIT).toHaveLength(1)
  })

  it('becomes diverged at once by a report of this process, unless the findings are acknowledged', async () => {
    const domainId = await fixture.chain(5)
    const running = fixture.start()
    await becomes(running, 'ready')
    await fixture.attack(forge(domainId, '= 3'))
    const findings = await findingsOf(domainId)
    running.probe.report(domainId, findings)
    expect(running.probe.state()).toBe('diverged')
    await expect.poll(found, WAIT).toHaveLength(1)
    await acknowledge()
    await becomes(running, 'degraded')
    const alerts = running.alerts.length
    running.probe.report(domainId, findings)
    expect([running.probe.state(), running.alerts.length]).toEqual(['degraded', alerts])
  })

  it('becomes diverged when another process writes a quarantine record', async () => {
    const domainId = await fixture.chain(5)
    const running = fixture.start()
    await becomes(running, 'ready')
    await fixture.attack(forge(domainId, '= 3'))
    const findings = await findingsOf(domainId)
    await postgresQuarantine(fixture.writer.database).record(domainId, 'both', findings)
    await becomes(running, 'diverged')
    expect(messages(running)).toContain('records were added to the quarantine')
    await acknowledge()
    await becomes(running, 'degraded')
  })

  it('becomes diverged when a row inside an acknowledged range is edited anew', async () => {
    const domainId = await fixture.chain(9)
    await fixture.attack(forge(domainId, 'IN (5, 6, 7)'))
    const running = fixture.start({ fullEvery: 500 })
    await becomes(running, 'diverged')
    await expect.poll(found, WAIT).toHaveLength(1)
    await acknowledge()
    await becomes(running, 'degraded')
    const tampered = () => messages(running).filter((message) => message === 'tamper detected').length
    expect(tampered()).toBe(1)
    await fixture.attack(`UPDATE audit_log_entry SET relation = 'anew' ${where(domainId)} AND seq = 6`)
    await becomes(running, 'diverged')
    await expect.poll(found, WAIT).toHaveLength(2)
    await expect.poll(tampered, WAIT).toBe(2)
  })

  /** Removes the fingerprints, as a version that stored none left its records. */
  const asOld = () =>
    fixture.attack(
      `ALTER TABLE audit_tamper_quarantine DISABLE TRIGGER USER;
       UPDATE audit_tamper_quarantine SET fingerprint = NULL;
       ALTER TABLE audit_tamper_quarantine ENABLE TRIGGER USER`,
    )

  it.each([
    ['an edited row stays valid', 'entry_hash_mismatch', "relation = 'forged'", 'degraded', 1, 1],
    ['a malformed row opens again', 'malformed_row', 'relation = NULL', 'diverged', 2, 1],
    ['a row with another prev_hash opens again', 'broken_link', "prev_hash = sha256('x')", 'diverged', 2, 2],
  ] as const)('an old acknowledged record of %s', async (_what, code, edit, state, records, anew) => {
    const domainId = await fixture.chain(5)
    await fixture.attack('ALTER TABLE audit_log_entry ALTER COLUMN relation DROP NOT NULL')
    await fixture.attack(`UPDATE audit_log_entry SET ${edit} ${where(domainId)} AND seq = 3`)
    const store = postgresQuarantine(fixture.writer.database)
    await store.record(domainId, 'postgres', await findingsOf(domainId))
    await acknowledge()
    await asOld()
    expect(await found()).toMatchObject([{ code, seq_from: '3', seq_to: '3' }])
    const running = fixture.start({ fullEvery: 500 })
    await becomes(running, state)
    await expect.poll(found, WAIT).toHaveLength(records)
    await acknowledge()
    await becomes(running, 'degraded')
    await fixture.attack(`UPDATE audit_log_entry SET object = 'o:stolen' ${where(domainId)} AND seq = 3`)
    await becomes(running, 'diverged')
    await expect.poll(found, WAIT).toHaveLength(records + anew)
  })

  it('stays diverged after a forged acknowledgement and after removal of the record', async () => {
    const domainId = await fixture.chain(5)
    await fixture.attack(forge(domainId, '= 3'))
    const running = fixture.start()
    await becomes(running, 'diverged')
    await expect.poll(() => running.probe.figures().quarantined.length, WAIT).toBe(1)
    await fixture.attack(
      `UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'x'`,
    )
    await expect.poll(() => running.readsWithStamp, WAIT).toBeGreaterThan(0)
    expect(running.probe.state()).toBe('diverged')
    await fixture.attack('DELETE FROM audit_tamper_quarantine')
    await expect.poll(() => messages(running), WAIT).toContain('records were removed from the quarantine')
    expect(running.probe.state()).toBe('diverged')
  })

  it('stays diverged if the finding cannot be written to the quarantine', async () => {
    const domainId = await fixture.chain(5)
    await fixture.attack(forge(domainId, '= 3'))
    const running = fixture.start({}, `${fixture.database.url}&options=-crole%3Daudit_reader`)
    await becomes(running, 'diverged')
    await expect
      .poll(() => running.lines, WAIT)
      .toContainEqual({
        level: 'error',
        message: 'could not check',
        fields: { what: 'findings', domainId, error: 'database_permission_denied' },
      })
    expect([await found(), running.probe.state()]).toEqual([[], 'diverged'])
    const before = running.probe.figures().errors.get('database_permission_denied') ?? 0
    const errors = () => running.probe.figures().errors.get('database_permission_denied')
    await expect.poll(errors, WAIT).toBeGreaterThan(before)
    expect(running.alerts).toHaveLength(1)
  })

  it('becomes diverged when a chain is there that the platform chain did not create', async () => {
    await fixture.chain(3)
    const stranger = randomUUID()
    await insertRows(fixture.database.url, chainRows(stranger, [{}, {}]))
    const running = fixture.start({ fullEvery: 500 })
    await becomes(running, 'diverged')
    await expect.poll(found, WAIT).toMatchObject([{ domain_id: stranger, code: 'chain_unknown' }])
    await acknowledge()
    await becomes(running, 'degraded')
    expect(messages(running).filter((message) => message === 'tamper detected')).toHaveLength(1)
  })

  it('is ready without chains, and covers chains that are created later', async () => {
    const running = fixture.start()
    await becomes(running, 'ready')
    const domainId = await fixture.chain(20)
    const figures = () => running.probe.figures().chains
    await expect.poll(figures, WAIT).toMatchObject(
      [
        { domainId: PLATFORM_ANCHOR, verifiedSeq: 2 },
        { domainId, verifiedSeq: 21, rows: 21 },
      ].sort((a, b) => (a.domainId < b.domainId ? -1 : 1)),
    )
    expect(running.probe.state()).toBe('ready')
  })

  it('stays ready while rows are appended and verified concurrently', async () => {
    const domainId = await fixture.chain(5)
    const running = fixture.start({ every: 100, fullEvery: 200 })
    await becomes(running, 'ready')
    const states = new Set<string>()
    for (let round = 0; round < 20; round++) {
      await fixture.append(domainId, 20)
      states.add(running.probe.state())
    }
    const own = () => running.probe.figures().chains.find((one) => one.domainId === domainId)?.verifiedSeq
    await expect.poll(own, WAIT).toBe(406)
    expect([[...states], await found()]).toEqual([['ready'], []])
  })
})

describe('the verified head', () => {
  /** Rewrites the rows from `seq` on with consistent hashes and a matching head: only a pin can show that. */
  async function rewrite(domainId: string, seq: number, length: number): Promise<void> {
    const [before] = await fixture.rows(
      `SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry ${where(domainId)} AND seq = ${seq - 1}`,
    )
    await fixture.attack(`DELETE FROM audit_log_entry ${where(domainId)} AND seq >= ${seq};
      DELETE FROM audit_log_chain_head ${where(domainId)}`)
    const rows = Array.from({ length: length - seq + 1 }, () => ({ relation: 'rewritten' }))
    await insertRows(fixture.database.url, chainRows(domainId, rows, seq, String(before?.hash)))
    expect(await findingsOf(domainId)).toEqual([])
  }

  const isExposed = (domainId: string, seq: number) =>
    expect.poll(found, WAIT).toContainEqual(
      expect.objectContaining({
        domain_id: domainId,
        code: 'unexpected_head',
        seq_from: String(seq),
        seq_to: String(seq),
      }),
    )

  it('exposes a rewritten suffix while the probe runs', async () => {
    const domainId = await plainChain(20)
    const running = fixture.start()
    await becomes(running, 'ready')
    await rewrite(domainId, 15, 20)
    await isExposed(domainId, 20)
    await becomes(running, 'diverged')
  })

  it('exposes a suffix that was rewritten while no probe ran', async () => {
    const domainId = await plainChain(20)
    const before = fixture.start()
    await becomes(before, 'ready')
    await before.close()
    await rewrite(domainId, 15, 25)
    const after = fixture.start()
    await isExposed(domainId, 20)
    await becomes(after, 'diverged')
  })

  it('exposes a tail that was cut together with the head', async () => {
    const domainId = await plainChain(20)
    const before = fixture.start()
    await becomes(before, 'ready')
    await before.close()
    await rewrite(domainId, 15, 15)
    const after = fixture.start()
    await isExposed(domainId, 20)
    await becomes(after, 'diverged')
  })

  it('exposes the removal of every trace of a chain', async () => {
    await fixture.chain(0)
    const domainId = randomUUID()
    // The platform chain does not record this chain, and cannot show that it must: it ends before the first row.
    const recordedAt = BigInt(Date.now() + 60_000) * 1_000n
    await insertDomain(fixture.database.url, domainId, Array(20).fill({ recordedAt }))
    const running = fixture.start()
    await becomes(running, 'ready')
    await fixture.attack(
      ['audit_log_entry', 'audit_log_chain_head', 'audit_domain']
        .map((table) => `DELETE FROM ${table} ${where(domainId)};`)
        .join(''),
    )
    await isExposed(domainId, 20)
    const { domainIds } = await fixture.writer.database.read(knownChains)
    expect(domainIds).not.toContain(domainId)
  })
})

describe('a pass', () => {
  const NO_RULES = `
    ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey,
      DROP CONSTRAINT audit_log_entry_seq_range, ALTER COLUMN domain_id DROP NOT NULL;`
  const copied = (domainId: string, seq: number, put: string) => `
    CREATE TEMP TABLE one AS SELECT * FROM audit_log_entry ${where(domainId)} AND seq = ${seq};
    UPDATE one SET ${put}; INSERT INTO audit_log_entry SELECT * FROM one;`

  it.each<[string, (domainId: string) => string]>([
    [
      'a long edit and a gap, across the edges of its steps',
      (id) => `
      ${forge(id, 'BETWEEN 900 AND 1200')}; DELETE FROM audit_log_entry ${where(id)} AND seq BETWEEN 950 AND 1050`,
    ],
    ['a row before the first', (id) => NO_RULES + copied(id, 3, 'seq = -1')],
    ['a duplicated row', (id) => NO_RULES + copied(id, 1000, "relation = 'x'")],
    ['a cut tail', (id) => `DELETE FROM audit_log_entry ${where(id)} AND seq > 1200`],
    ['a deleted head', (id) => `DELETE FROM audit_log_chain_head ${where(id)}`],
    ['a deleted registry entry', (id) => `DELETE FROM audit_domain ${where(id)}`],
    ['a deleted first row', (id) => `DELETE FROM audit_log_entry ${where(id)} AND seq = 1`],
  ])('finds what a verification of the whole chain finds: %s', async (_, attack) => {
    const domainId = await fixture.chain(1_299)
    const running = fixture.start({ fullEvery: 400 })
    await becomes(running, 'ready')
    await fixture.attack(attack(domainId))
    const passes = () =>
      running.scans.filter((one) => one.domainId === domainId && one.toSeq === undefined).length
    const before = passes()
    await expect.poll(passes, WAIT).toBeGreaterThan(before + 2)
    await becomes(running, 'diverged')
    const whole = (await findingsOf(domainId)).map(({ code, seqFrom, seqTo, expected, observed }) => ({
      domain_id: domainId,
      code,
      seq_from: String(seqFrom),
      seq_to: String(seqTo),
      expected: expected ?? null,
      observed: observed ?? null,
    }))
    expect(whole.length).toBeGreaterThan(0)
    // Only the probe knows the head that was verified before.
    const own = (await found()).filter(({ code }) => code !== 'unexpected_head')
    const sorted = (findings: readonly unknown[]) => findings.map((one) => JSON.stringify(one)).sort()
    expect(sorted(own)).toEqual(sorted(whole))
  })
})

describe('an outage of Postgres', () => {
  it('makes the state stalled, not diverged, and ready when Postgres is back', async () => {
    const domainId = await fixture.chain(5)
    const { pathname, searchParams } = new URL(fixture.database.url.replace('@/', '@socket/'))
    const proxy = await OutageProxy.start(`unix:${searchParams.get('host')}/.s.PGSQL.5432`)
    const running = fixture.start(
      { patience: 500 },
      `postgresql://postgres@${proxy.url.slice('http://'.length)}${pathname}`,
    )
    await becomes(running, 'ready')
    await proxy.goAway()
    await becomes(running, 'stalled')
    await proxy.comeBack()
    await becomes(running, 'ready')
    proxy.hang()
    await becomes(running, 'stalled')
    await proxy.goAway()
    await proxy.comeBack()
    await becomes(running, 'ready')
    expect(await found()).toEqual([])
    await fixture.attack(forge(domainId, '= 6'))
    await fixture.append(domainId, 1)
    await becomes(running, 'diverged')
    await running.close()
    await proxy.goAway()
  })
})

describe('a chain that is being restored', () => {
  it('makes the state stalled without a finding, and ready when the head is back', async () => {
    const domainId = await fixture.chain(5)
    const running = fixture.start()
    await becomes(running, 'ready')
    await fixture.attack(`
      CREATE TABLE kept_head AS SELECT * FROM audit_log_chain_head ${where(domainId)};
      INSERT INTO audit_restore (domain_id, mirror_url) VALUES ('${domainId}', 'file:///mirror');
      DELETE FROM audit_log_chain_head ${where(domainId)}`)
    await becomes(running, 'stalled')
    await fixture.attack(`
      INSERT INTO audit_log_chain_head SELECT * FROM kept_head;
      DELETE FROM audit_restore ${where(domainId)}`)
    await becomes(running, 'ready')
    expect(await found()).toEqual([])
    expect(running.probe.figures().errors).toEqual(new Map([['restore_unfinished', expect.any(Number)]]))
  })
})

describe('a restart', () => {
  const forceGeneration = (domainId: string, generation: number) =>
    fixture.attack(`ALTER TABLE audit_log_entry DROP CONSTRAINT IF EXISTS audit_log_entry_generation_known;
      UPDATE audit_log_entry SET generation = ${generation} ${where(domainId)} AND seq = 2`)

  it('resumes where the previous process stopped, and starts a new pass once all chains are verified', async () => {
    const domainId = await fixture.chain(30)
    // A chain that cannot be checked keeps the first pass from ending.
    const odd = await fixture.chain(3)
    await forceGeneration(odd, 9)
    const first = fixture.start()
    await becomes(first, 'stalled')
    await expect.poll(() => first.probe.figures().rows.boot, WAIT).toBe(31 + 3)
    await first.close()

    const second = fixture.start()
    await becomes(second, 'stalled')
    const own = ({ scans }: Running) =>
      scans.filter((one) => one.domainId === domainId).map((one) => one.fromSeq)
    await expect.poll(() => own(second), WAIT).toEqual([31])
    await forceGeneration(odd, 1)
    await becomes(second, 'ready')
    await second.close()
    expect(await found()).toEqual([])

    const third = fixture.start()
    await becomes(third, 'ready')
    expect(own(third)).toEqual([1])
  })

  it('trusts saved progress for fullEvery only', async () => {
    const domainId = await fixture.chain(30)
    const odd = await fixture.chain(3)
    await forceGeneration(odd, 9)
    const first = fixture.start()
    await becomes(first, 'stalled')
    await expect.poll(() => first.probe.figures().rows.boot, WAIT).toBe(31 + 3)
    await first.close()
    await fixture.attack(`UPDATE audit_reconcile SET boot_started_at = boot_started_at - interval '2 hours'`)
    const second = fixture.start({ fullEvery: 3_600_000 })
    const own = () => second.scans.filter((one) => one.domainId === domainId).map((one) => one.fromSeq)
    await expect.poll(own, WAIT).toEqual([1])
  })
})
