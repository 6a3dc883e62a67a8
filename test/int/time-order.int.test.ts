import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { BundleSource } from '../../src/bundle/bundle-source.js'
import { BundleReader } from '../../src/bundle/read/bundle-reader.js'
import { openBundle } from '../../src/bundle/read/open-bundle.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { formatTimestamp } from '../../src/chain/timestamp.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { EntryReader, TimeOrder } from '../../src/ports/query.js'
import { MirrorReader } from '../../src/query/mirror-reader.js'
import { verifiedOrder } from '../../src/query/time-order.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { chainRows, dropChecks, insertRows, T0 } from '../support/chain-rows.js'
import { Exports } from '../support/exports.js'
import { HttpFixture } from '../support/http-fixture.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

const LENGTH = 20
const SECOND = 1_000_000n
const MINUTE = 60n * SECOND
const at = (seq: number) => T0 + BigInt(seq) * SECOND
/** Rows 8 to 12. */
const RANGE = { from: at(8), to: at(12) }
const WANTED = [8, 9, 10, 11, 12]
const { signal } = new AbortController()

interface Edit {
  readonly title: string
  readonly seq: number
  readonly change: Partial<Omit<ChainedEntry, 'seq'>>
  /** Whether the row is hashed again. */
  readonly isRehashed?: boolean
  /** The rows of the range by the time of each. */
  readonly wanted: readonly number[]
  /** What a plain list of PostgreSQL shows before anybody has verified. */
  readonly unverified: readonly number[]
  readonly order: TimeOrder
  /** What the database knows once a finding is recorded. Default: broken. */
  readonly recorded?: TimeOrder
}

const EDITS: readonly Edit[] = [
  {
    title: 'an edited relation',
    seq: 10,
    change: { relation: 'forged' },
    wanted: WANTED,
    unverified: WANTED,
    order: 'unverified',
    recorded: 'unverified',
  },
  {
    title: 'the row before the lower bound moved forward',
    seq: 7,
    change: { recordedAt: at(9) },
    wanted: [7, ...WANTED],
    unverified: [7, ...WANTED],
    order: 'broken',
  },
  {
    title: 'the row at the lower bound moved forward, beyond the range',
    seq: 8,
    change: { recordedAt: at(8) + MINUTE },
    wanted: [9, 10, 11, 12],
    unverified: [9, 10, 11, 12],
    order: 'broken',
  },
  {
    title: 'the row at the lower bound moved back',
    seq: 8,
    change: { recordedAt: at(8) - MINUTE },
    wanted: [9, 10, 11, 12],
    unverified: [9, 10, 11, 12],
    order: 'broken',
  },
  {
    title: 'a row in the range moved back',
    seq: 10,
    change: { recordedAt: at(10) - MINUTE },
    wanted: [8, 9, 11, 12],
    unverified: [11, 12],
    order: 'broken',
  },
  {
    title: 'a row in the range moved forward',
    seq: 10,
    change: { recordedAt: at(10) + MINUTE },
    wanted: [8, 9, 11, 12],
    unverified: [8, 9],
    order: 'broken',
  },
  {
    title: 'the row at the upper bound moved forward',
    seq: 12,
    change: { recordedAt: at(12) + MINUTE },
    wanted: [8, 9, 10, 11],
    unverified: [8, 9, 10, 11],
    order: 'broken',
  },
  {
    title: 'the row after the upper bound moved back into the range',
    seq: 13,
    change: { recordedAt: at(10) },
    wanted: [...WANTED, 13],
    unverified: [...WANTED, 13],
    order: 'broken',
  },
  {
    title: 'a row moved back and hashed again',
    seq: 10,
    change: { recordedAt: at(10) - MINUTE },
    isRehashed: true,
    wanted: [8, 9, 11, 12],
    unverified: [11, 12],
    order: 'broken',
  },
  {
    title: 'the first row moved beyond the last',
    seq: 1,
    change: { recordedAt: at(1) + MINUTE },
    wanted: WANTED,
    unverified: WANTED,
    order: 'broken',
  },
  {
    title: 'the last row moved before the first',
    seq: LENGTH,
    change: { recordedAt: T0 - MINUTE },
    wanted: WANTED,
    unverified: WANTED,
    order: 'broken',
  },
]

let database: TestDatabase
let db: Database
const dir = mkdtempSync(join(tmpdir(), 'time-order-'))
const exports = new Exports()
let chains = 0

beforeAll(async () => {
  database = await testDatabase()
  db = new Database(database.url)
  await asSuperuser(database.url, (client) => dropChecks(client))
})

afterAll(async () => {
  await db.close()
  await database.drop()
  exports.remove()
  rmSync(dir, { recursive: true, force: true })
})

function nextChain(): string {
  chains += 1
  return `018f0000-0000-7000-8000-${String(chains).padStart(12, '0')}`
}

function editedRows(domainId: string, edit?: Edit): ChainedEntry[] {
  const rows = chainRows(
    domainId,
    Array.from({ length: LENGTH }, () => ({})),
  )
  return rows.map((row) => {
    if (row.seq !== edit?.seq) return row
    const changed = { ...row, ...edit.change }
    if (edit.isRehashed !== true) return changed
    const entryHash = nodeHasher.link(row.prevHash, nodeHasher.canonical(encodeCanonical(changed)))
    return { ...changed, entryHash }
  })
}

async function storedChain(edit?: Edit): Promise<string> {
  const domainId = nextChain()
  await insertRows(database.url, editedRows(domainId, edit))
  return domainId
}

async function seqsOf(reader: EntryReader, domainId: string): Promise<number[]> {
  const rows = await reader.page(domainId, RANGE, { after: 0, limit: 100 })
  return rows.map(({ seq }) => seq)
}

/** Records what the fold finds, and returns the ids of the findings. */
async function verify(domainId: string): Promise<void> {
  const { fold } = await new PostgresSource(db).scan(
    { domainId, fromSeq: 1, pins: [] },
    () => undefined,
    signal,
  )
  await postgresQuarantine(db).record(domainId, 'postgres', fold.findings)
}

describe('the order of times in PostgreSQL', () => {
  it('is unverified without a finding, and verified once every row is recomputed', async () => {
    const domainId = await storedChain()
    await verify(domainId)
    expect(await postgresEntryReader(db).timeOrder(domainId)).toBe('unverified')
    expect(await verifiedOrder(new PostgresSource(db), domainId, signal)).toBe('verified')
  })

  it.each(EDITS)('with $title', async (edit) => {
    const domainId = await storedChain(edit)
    const plain = postgresEntryReader(db)
    expect(await plain.timeOrder(domainId)).toBe('unverified')
    expect(await seqsOf(plain, domainId)).toEqual(edit.unverified)
    expect(await seqsOf(postgresKeyReader(db), domainId)).toEqual(edit.wanted)
    expect(await verifiedOrder(new PostgresSource(db), domainId, signal)).toBe(edit.order)
    await verify(domainId)
    expect(await plain.timeOrder(domainId)).toBe(edit.recorded ?? 'broken')
    expect(await seqsOf(plain, domainId)).toEqual(edit.wanted)
    await asSuperuser(
      database.url,
      `UPDATE audit_tamper_quarantine SET acknowledged_at = now(), acknowledge_reason = 'known' WHERE domain_id = '${domainId}'`,
    )
    expect(await plain.timeOrder(domainId)).toBe(edit.recorded ?? 'broken')
    expect(await seqsOf(plain, domainId)).toEqual(edit.wanted)
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET recorded_at = '${formatTimestamp(at(edit.seq))}' WHERE domain_id = '${domainId}' AND seq = ${edit.seq}`,
    )
    expect(await plain.timeOrder(domainId)).toBe('unverified')
    expect(await seqsOf(plain, domainId)).toEqual(WANTED)
  })

  it.each([
    ["'infinity'", 'broken'],
    ["'-infinity'", 'broken'],
    ['NULL', 'broken'],
  ])('is broken by the forced time %s', async (value, order) => {
    const domainId = await storedChain()
    await asSuperuser(
      database.url,
      `UPDATE audit_log_entry SET recorded_at = ${value} WHERE domain_id = '${domainId}' AND seq = 5`,
    )
    await verify(domainId)
    expect(await postgresEntryReader(db).timeOrder(domainId)).toBe(order)
    expect(await seqsOf(postgresEntryReader(db), domainId)).toEqual(WANTED)
  })

  it.each<[number, (i: number) => readonly [number, number], TimeOrder]>([
    [10_000, (i) => [1 + (i % 20), 1 + (i % 20)], 'unverified'],
    [10_001, (i) => [1 + (i % 20), 1 + (i % 20)], 'broken'],
    [500, (i) => [1 + i * 100, 1 + i * 100], 'unverified'],
    [502, (i) => [1 + i * 100, 1 + i * 100], 'broken'],
    [1, () => [1, 50_000], 'unverified'],
    [1, () => [1, 50_001], 'broken'],
    [2, (i) => [i === 0 ? -(2 ** 62) : 2 ** 53, 2 ** 62], 'broken'],
  ])('looks at %i findings, and counts too many as broken', async (count, range, order) => {
    const domainId = await storedChain()
    await asSuperuser(database.url, (client) =>
      client.query(
        `INSERT INTO audit_tamper_quarantine (domain_id, divergent_seq, code, seq_from, seq_to, source, fingerprint)
         SELECT $1, first, 'entry_hash_mismatch', first, last, 'postgres', sha256(int8send(row_number() OVER ()))
         FROM unnest($2::bigint[], $3::bigint[]) AS f (first, last)`,
        [
          domainId,
          Array.from({ length: count }, (_, i) => String(range(i)[0])),
          Array.from({ length: count }, (_, i) => String(range(i)[1])),
        ],
      ),
    )
    expect(await postgresEntryReader(db).timeOrder(domainId)).toBe(order)
    expect(await seqsOf(postgresEntryReader(db), domainId)).toEqual(WANTED)
  })

  it('is not broken by a finding on another chain, nor by missing rows', async () => {
    const edit = EDITS.find(({ isRehashed }) => isRehashed)
    await verify(await storedChain(edit))
    const domainId = await storedChain()
    await asSuperuser(
      database.url,
      `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq IN (4, 5, 10)`,
    )
    await verify(domainId)
    expect(await postgresEntryReader(db).timeOrder(domainId)).toBe('unverified')
    expect(await seqsOf(postgresEntryReader(db), domainId)).toEqual([8, 9, 11, 12])
    expect(await verifiedOrder(new PostgresSource(db), domainId, signal)).toBe('verified')
  })

  it.each([
    ['audit_reader', true, 'broken'],
    ['audit_writer', true, 'broken'],
    ['audit_eraser', true, 'broken'],
    ['audit_revealer', false, 'unverified'],
  ])('is known to %s where it may read the quarantine', async (role, may, known) => {
    const domainId = await storedChain(EDITS.find(({ isRehashed }) => isRehashed))
    await verify(domainId)
    const order = await db.withTransaction(`BEGIN; SET LOCAL ROLE ${role}`, async (client) => {
      const { timeOrderOf } = await import('../../src/repo/time-range/time-order.js')
      const { rows } = await client.query(
        "SELECT has_table_privilege('audit_tamper_quarantine', 'SELECT') AS may",
      )
      return [rows[0]?.may, await timeOrderOf(client, domainId)]
    })
    expect(order).toEqual([may, known])
  })
})

describe('the order of times in a copy', () => {
  async function mirrorOf(domainId: string, rows: readonly ChainedEntry[]) {
    const store = await openMirror(pathToFileURL(dir).href)
    for (const row of rows)
      await store.create(mirrorCodec.key(domainId, row.seq), await mirrorCodec.encode(row), signal)
    return store
  }

  it.each([{ title: 'no edit', seq: 0, change: {}, wanted: WANTED, order: 'verified' as const }, ...EDITS])(
    'of a mirror and of a bundle, with $title',
    async (edit) => {
      const domainId = nextChain()
      const rows = editedRows(domainId, { ...edit, unverified: [] })
      await insertRows(database.url, rows)
      const store = await mirrorOf(domainId, rows)
      const mirror = new MirrorReader({ store, codec: mirrorCodec, signal, patience: 0 })
      expect(await seqsOf(mirror, domainId)).toEqual(edit.wanted)
      expect(await mirror.timeOrder()).toBe('unverified')
      const mirrorSource = new MirrorSource(store, mirrorCodec, nodeHasher, { isExpected: true })
      expect(await verifiedOrder(mirrorSource, domainId, signal)).toBe(edit.order)
      store.close()

      const { path } = await exports.write(database.url, { domainId })
      const bundle = await BundleReader.open(path, () => undefined)
      expect(await seqsOf(bundle, domainId)).toEqual(edit.wanted)
      expect(await bundle.timeOrder()).toBe('unverified')
      const { file, manifest, members } = await openBundle(path)
      const source = new BundleSource(manifest, members, nodeHasher)
      expect(await verifiedOrder(source, domainId, signal)).toBe(edit.order)
      await file.close()
    },
  )

  it('exports every row of a time range, from the first to the last', async () => {
    for (const edit of EDITS) {
      const domainId = await storedChain(edit)
      const { selection } = await exports.write(database.url, { domainId, ...RANGE })
      expect([edit.title, selection.fromSeq, selection.toSeq]).toEqual([
        edit.title,
        edit.wanted[0],
        edit.wanted.at(-1),
      ])
    }
  })
})

describe('the order of times over HTTP', () => {
  it('is in a list by time alone, and is broken once a verify has found an edited time', async () => {
    const fixture = await HttpFixture.make({ rows: 12 })
    try {
      const path = fixture.path('entries')
      const byTime = `${path}?from=2000-01-01T00:00:00Z`
      const [{ items, time_order: before }, plain] = [
        (await fixture.ask('GET', byTime)).json(),
        (await fixture.ask('GET', path)).json(),
      ]
      expect([before, plain.time_order]).toEqual(['unverified', undefined])
      await asSuperuser(
        fixture.database.url,
        `UPDATE audit_log_entry SET recorded_at = '1999-01-01' WHERE domain_id = '${fixture.domainId}' AND seq = 6`,
      )
      expect((await fixture.ask('GET', byTime)).json().time_order).toBe('unverified')
      expect((await fixture.ask('POST', fixture.path('verify'))).json().ok).toBe(false)
      const after = (await fixture.ask('GET', byTime)).json()
      expect([after.time_order, after.items.length]).toEqual(['broken', items.length - 1])
    } finally {
      await fixture.close()
    }
  })
})
