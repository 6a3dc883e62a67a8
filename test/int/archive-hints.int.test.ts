import { unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runWorker } from '../../src/archive/worker.js'
import { AuditError } from '../../src/base/errors.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { hintOf } from '../../src/cli/shell/hints.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { ArchiveFixture, type Archiver, NEVER, totals } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

const ROWS = 8
const LARGEST = '9007199254740991'

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

async function append(count: number): Promise<void> {
  const added = chainRows(domainId, Array(count).fill({}), rows.length + 1, rows.at(-1)?.entryHash)
  await insertRows(fixture.url, added)
  rows = [...rows, ...added]
}

function found(archiver: Archiver): string[] {
  return archiver.found.map(
    ({ source, finding }) => `${source} ${finding.code} ${finding.seqFrom}-${finding.seqTo}`,
  )
}

async function watermark(): Promise<number> {
  return Number((await rowsOf(fixture.url, 'SELECT seq FROM audit_archive_watermark'))[0]?.seq ?? 0)
}

/** Statements of somebody who may write the tables; `id` is the chain. */
const force = (seq: number | string) => (id: string) =>
  `INSERT INTO audit_archive_watermark VALUES ('${id}', ${seq}) ON CONFLICT (domain_id) DO UPDATE SET seq = excluded.seq;`
const forge = (seq: number, at: string) => (id: string) =>
  `INSERT INTO audit_archive_stamp VALUES ('${id}', ${seq}, ${at}, '"x"');`
const unstamp = (where: string) => (id: string) => unstampSql(`domain_id = '${id}' AND ${where}`)
const dropWatermark = () => 'DELETE FROM audit_archive_watermark;'
const both =
  (...attacks: readonly ((id: string) => string)[]) =>
  (id: string) =>
    attacks.map((attack) => attack(id)).join('')

interface Attack {
  readonly name: string
  readonly sql: (id: string) => string
  /** Objects that are deleted. */
  readonly lost?: readonly number[]
  /** Whether the two rows that are appended to the archived chain are there before the attack. */
  readonly afterAppend?: boolean
  readonly stamped: number
  readonly held?: number
  readonly error?: RegExp
  readonly findings?: readonly string[]
}

/** Attacks on a chain with 8 archived rows and 2 new ones. */
const ATTACKS: readonly Attack[] = [
  { name: 'nothing', sql: () => '', stamped: 2 },
  { name: 'a stamp deleted', sql: unstamp('seq = 3'), stamped: 3 },
  { name: 'a stamp and its object deleted', sql: unstamp('seq = 3'), lost: [3], stamped: 3 },
  { name: 'every stamp deleted', sql: unstamp('true'), stamped: 10 },
  { name: 'every stamp and the watermark deleted', sql: both(unstamp('true'), dropWatermark), stamped: 10 },
  { name: 'the watermark deleted', sql: dropWatermark, stamped: 2 },
  { name: 'the watermark forced to the end', sql: force(10), stamped: 2 },
  { name: 'the watermark forced beyond everything', sql: force(LARGEST), stamped: 2 },
  {
    name: 'the watermark forced beyond everything, and a stamp deleted',
    sql: both(force(LARGEST), unstamp('seq = 3')),
    stamped: 3,
  },
  {
    name: 'a stamp forged for a row that was not uploaded',
    sql: forge(9, 'now()'),
    stamped: 1,
    findings: ['mirror object_missing 9-9'],
  },
  {
    name: 'stamps forged for every new row, and the watermark forced',
    sql: both(forge(9, 'now()'), forge(10, "'9999-01-01'"), force(10)),
    stamped: 0,
    findings: ['mirror object_missing 9-10'],
  },
  {
    name: 'a stamp forged that is older than its row',
    sql: forge(9, "'2001-01-01'"),
    stamped: 1,
    held: 1,
    error: /row 9 is uploaded, but its archive stamp does not count/,
  },
  { name: 'a stamp forged for no row', sql: forge(99, 'now()'), stamped: 2 },
  {
    name: 'an object deleted',
    sql: () => '',
    lost: [4],
    stamped: 2,
    findings: ['mirror object_missing 4-4'],
  },
  {
    name: 'the head deleted',
    sql: (id) => `DELETE FROM audit_log_chain_head WHERE domain_id = '${id}';`,
    stamped: 0,
    held: 2,
    findings: ['postgres head_mismatch 10-10'],
  },
]

describe('one pass', () => {
  it.each(ATTACKS)('uploads every row that may be uploaded, after $name', async (attack) => {
    expect(totals(await fixture.archiver().once())).toMatchObject({ stamped: ROWS })
    await append(2)
    await asSuperuser(fixture.url, attack.sql(domainId))
    for (const seq of attack.lost ?? []) await unlink(fixture.pathOf(domainId, seq))
    const archiver = fixture.archiver()
    const chains = await archiver.once()
    const { held = 0, stamped, findings = [] } = attack
    expect(found(archiver)).toEqual(findings)
    expect(totals(chains)).toEqual({ stamped, held, failed: 0 })
    const errors = chains.flatMap(({ drained }) =>
      drained.error === undefined ? [] : [drained.error.message],
    )
    expect(errors).toEqual(attack.error === undefined ? [] : [expect.stringMatching(attack.error)])
    expect(await fixture.objects(domainId)).toHaveLength(stamped === 0 && held > 0 ? ROWS : 10)
  })

  it('stamps every row once the command of the hint has deleted a stamp that is older than its row', async () => {
    await asSuperuser(fixture.url, forge(2, "'2001-01-01'")(domainId) + forge(3, "'2001-01-01'")(domainId))
    const chains = await fixture.archiver().once()
    expect(totals(chains)).toMatchObject({ held: 2 })
    const hint = chains.flatMap(({ drained }) => (drained.error ? [hintOf(drained.error)] : []))[0] ?? ''
    await rowsOf(fixture.url, /-c "(.*)"; then/.exec(hint)?.[1] ?? '')
    expect(totals(await fixture.archiver().once())).toMatchObject({ stamped: 2, held: 0, failed: 0 })
    expect(await fixture.problems(rows)).toEqual([])
  })

  it('is idle after a pass that found something', async () => {
    await fixture.archiver().once()
    await asSuperuser(fixture.url, force(LARGEST)(domainId) + unstamp('seq = 3')(domainId))
    expect(totals(await fixture.archiver().once())).toMatchObject({ stamped: 1 })
    const again = fixture.archiver()
    expect([await again.once(), again.asked, found(again)]).toEqual([[], [], []])
  })

  it('raises the watermark over stamps that a restore wrote, and leaves it below a row without one', async () => {
    await fixture.archiver().once()
    await asSuperuser(fixture.url, dropWatermark())
    await fixture.archiver().once()
    expect(await watermark()).toBe(ROWS)
    await asSuperuser(fixture.url, dropWatermark() + unstamp('seq = 3')(domainId))
    const queue = fixture.archiver().deps.queue
    expect(await queue.waiting()).toMatchObject([{ domainId, firstSeq: 3, lastSeq: ROWS }])
    await queue.stamp(domainId, [{ seq: 3, etag: '"x"' }])
    expect(await watermark()).toBe(3)
    expect(await queue.waiting()).toEqual([])
  })
})

it('lists a chain without a stamp as not archived', async () => {
  await fixture.archiver().once()
  const added = (await fixture.chain(2))[0]?.domainId
  const chains = await fixture.archiver().deps.chains()
  const stamped = (id: string | undefined) => chains.find((chain) => chain.domainId === id)
  expect(stamped(domainId)).toMatchObject({ stamped: { seq: ROWS, rows: ROWS } })
  expect(stamped(added)).toMatchObject({ stamped: undefined })
})

describe('the stamping of a batch', () => {
  const stamp = (...seqs: number[]) =>
    fixture.archiver().deps.queue.stamp(
      domainId,
      seqs.map((seq) => ({ seq, etag: '"x"' })),
    )

  it.each<[string, number[][], number]>([
    [
      'in order',
      [
        [1, 2, 3],
        [4, 5],
      ],
      5,
    ],
    [
      'above a row that is held back',
      [
        [1, 2],
        [4, 5],
      ],
      2,
    ],
    ['with a gap that is filled later', [[1, 2], [4, 5], [3]], 3],
    ['with a gap in the batch', [[1, 2, 4, 5]], 2],
    [
      'of rows that have a stamp',
      [
        [1, 2],
        [1, 2, 3],
      ],
      3,
    ],
    ['of all rows', [[1, 2, 3, 4, 5, 6, 7, 8]], 8],
  ])('raises the watermark only as far as every row has a stamp: %s', async (_name, batches, expected) => {
    for (const batch of batches) await stamp(...batch)
    expect(await watermark()).toBe(expected)
  })

  it('gives a row ahead of the clock the time of the row', async () => {
    const ahead = 'SELECT max(recorded_at) AS at FROM audit_log_entry'
    await asSuperuser(fixture.url, "UPDATE audit_log_entry SET recorded_at = now() + interval '1 year'")
    await stamp(1)
    const stamps = 'SELECT archived_at AS at FROM audit_archive_stamp'
    expect(await rowsOf(fixture.url, stamps)).toEqual(await rowsOf(fixture.url, ahead))
  })

  it('names the rows whose stamp does not count, and stamps the others', async () => {
    await asSuperuser(fixture.url, forge(2, "'2001-01-01'")(domainId))
    expect(await stamp(1, 2, 3)).toMatchObject({ stamped: 2, refused: [2] })
    expect(await watermark()).toBe(1)
    expect(await fixture.archiver().deps.queue.nextUnstamped(domainId, 0)).toBe(2)
  })

  it('counts no row that another archiver has stamped', async () => {
    await stamp(1, 2)
    expect(await stamp(1, 2, 3)).toMatchObject({ stamped: 1, refused: [] })
  })
})

describe('the worker', () => {
  async function work(isOver: () => Promise<boolean>) {
    const stop = new AbortController()
    const archiver = fixture.archiver()
    const failures: string[] = []
    const onTrouble = (error: AuditError) => void failures.push(error.message)
    const reports = { onPass: async () => undefined, onTrouble, onRecovered: () => undefined }
    const worker = runWorker({ ...archiver.deps, pollInterval: 20, ...reports }, stop.signal)
    while (!(await isOver())) await sleep(20)
    stop.abort(new Error('stopped'))
    await worker
    return { failures, found: found(archiver) }
  }
  const isArchived = async () => (await fixture.unstamped(domainId)).length === 0

  it.each([
    ['to the end', force(ROWS)],
    ['beyond everything', force(LARGEST)],
  ])(
    'archives rows that a watermark forced %s hides, and rows that are appended later',
    async (_name, sql) => {
      await asSuperuser(fixture.url, sql(domainId))
      let appended = false
      const ended = await work(async () => {
        if (!(await isArchived())) return false
        if (appended) return true
        await append(2)
        appended = true
        return false
      })
      expect(ended).toEqual({ failures: [], found: [] })
      expect(await fixture.problems(rows)).toEqual([])
    },
  )

  it('finds at its start that the object of a stamp is missing, and uploads it', async () => {
    await fixture.archiver().once()
    for (const seq of [3, 4, 5, 8]) await unlink(fixture.pathOf(domainId, seq))
    const isUploaded = async () => (await fixture.objects(domainId)).length === ROWS
    expect(await work(isUploaded)).toEqual({
      failures: [],
      found: ['mirror object_missing 3-5', 'mirror object_missing 8-8'],
    })
  })
})

describe('the comparison of the stamps with the keys', () => {
  beforeEach(() => fixture.archiver().once())

  it.each<[string, (id: string) => string | 'all', readonly string[], boolean]>([
    ['the chain', (id) => id, [], true],
    ['every chain', () => 'all', [], true],
    ['another chain', () => '018f0000-0000-7000-8000-000000000009', ['mirror object_missing 3-4'], false],
  ])('waits for a backfill of %s', async (_name, filled, findings, isWaiting) => {
    for (const seq of [3, 4]) await unlink(fixture.pathOf(domainId, seq))
    const archiver = fixture.archiver()
    await fixture.archiver().deps.queue.fill(filled(domainId), () => archiver.once())
    expect(found(archiver)).toEqual(findings)
    expect(archiver.uncompared.map(({ reason }) => reason)).toEqual(isWaiting ? ['filled'] : [])
    expect(archiver.created).toHaveLength(isWaiting ? 0 : 2)
    const after = fixture.archiver()
    await after.once()
    expect(found(after)).toEqual(isWaiting ? ['mirror object_missing 3-4'] : [])
  })

  it('does not wait for a backfill that died', async () => {
    await unlink(fixture.pathOf(domainId, 3))
    const archiver = fixture.archiver()
    await fixture.archiver().deps.queue.fill('all', async () => {
      await rowsOf(fixture.url, "UPDATE audit_claim SET renewed_at = now() - interval '1 minute'")
      await archiver.once()
    })
    expect(found(archiver)).toEqual(['mirror object_missing 3-3'])
  })

  it('reports that the mirror may not be listed', async () => {
    await unlink(fixture.pathOf(domainId, 3))
    const denied = new AuditError('mirror_permission_denied', 'the store refuses to list')
    const store = (one: MirrorStore): MirrorStore => ({
      url: one.url,
      get: (key, maxBytes, signal) => one.get(key, maxBytes, signal),
      create: (key, bytes, signal, options) => one.create(key, bytes, signal, options),
      syncNames: (folder, signal) => one.syncNames(folder, signal),
      close: () => one.close(),
      // biome-ignore lint/correctness/useYield: the listing fails before its first name.
      async *list() {
        throw denied
      },
    })
    const archiver = fixture.archiver({ store })
    await archiver.once()
    expect([found(archiver), archiver.uncompared]).toEqual([
      [],
      [{ domainId, url: fixture.mirrorUrl, reason: 'denied' }],
    ])
  })
})

describe('a login with the role audit_archiver', () => {
  const ROLE = 'SET ROLE audit_archiver;'
  const run = (sql: string) =>
    rowsOf(fixture.url, `${ROLE} ${sql}`).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    )

  it.each<[string, (id: string) => string, string]>([
    ['insert a stamp', forge(1, 'now()'), 'done'],
    ['insert the watermark', force(3), 'done'],
    ['raise the watermark', force(7), 'done'],
    ['lower the watermark', force(1), 'WO001'],
    ['delete the watermark', dropWatermark, '42501'],
    ['change a stamp', () => `UPDATE audit_archive_stamp SET archive_etag = 'y'`, '42501'],
    ['delete a stamp', unstamp('seq = 1'), '42501'],
    ['truncate the stamps', () => 'TRUNCATE audit_archive_stamp', '42501'],
    ['update the log', () => 'UPDATE audit_log_entry SET reason = 2', '42501'],
    ['delete from the log', () => 'DELETE FROM audit_log_entry', '42501'],
    ['append to the log', () => 'INSERT INTO audit_log_entry SELECT * FROM audit_log_entry', '42501'],
  ])('may or may not %s', async (_name, sql, expected) => {
    await asSuperuser(fixture.url, force(2)(domainId))
    expect(await run(sql(domainId))).toBe(expected)
  })

  it('keeps no row out of the mirror with forged stamps and a forced watermark', async () => {
    await fixture.archiver().once()
    await append(2)
    expect(await run(forge(9, 'now()')(domainId) + forge(10, 'now()')(domainId) + force(10)(domainId))).toBe(
      'done',
    )
    const archiver = fixture.archiver({ databaseOptions: '-c role=audit_archiver' })
    await archiver.once(NEVER)
    expect(found(archiver)).toEqual(['mirror object_missing 9-10'])
    expect(await fixture.objects(domainId)).toHaveLength(10)
  })
})
