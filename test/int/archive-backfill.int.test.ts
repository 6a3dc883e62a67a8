import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BackfillRequest, backfillChain } from '../../src/archive/backfill.js'
import { statusOfChain } from '../../src/archive/status.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { ArchiveLedger } from '../../src/ports/archive.js'
import type { MirrorListed, MirrorStore } from '../../src/ports/mirror.js'
import { ArchiveFixture, type Archiver, NEVER, totals } from '../support/archive-fixture.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { asSuperuser } from '../support/postgres.js'

const ROWS = 20

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

function backfill(
  archiver: Archiver,
  request: Partial<BackfillRequest> = {},
  { stop = NEVER, ledger = archiver.ledger } = {},
) {
  const deps = { ...archiver.deps, ledger, onProgress: () => undefined }
  return backfillChain({ domainId, dryRun: false, ...request }, deps, stop)
}

function status(archiver: Archiver, chain = domainId, ledger = archiver.ledger) {
  const { mirrors, codec } = archiver.deps
  const judgeMarker = async () => ({ kind: 'ours', id: 'x' }) as const
  const deps = { ledger, present: archiver.snapshots.present, mirrors, judgeMarker, codec }
  return statusOfChain(chain, { ...deps, onProgress: () => undefined }, NEVER)
}

/** Appends valid rows to the chain. */
async function append(count: number): Promise<ChainedEntry[]> {
  const last = rows.at(-1)
  const more = chainRows(domainId, Array(count).fill({}), ROWS + 1, last?.entryHash)
  await insertRows(fixture.url, more)
  return more
}

const lose = async (...seqs: number[]) => {
  for (const seq of seqs) await unlink(fixture.pathOf(domainId, seq))
}

/** Returns everything that could change: stamps, objects with their bytes, the quarantine. */
async function everything() {
  const objects = await fixture.objects(domainId)
  const bytes = await Promise.all(
    objects.map((_, i) => readFile(fixture.pathOf(domainId, i + 1)).catch(String)),
  )
  return { stamps: await fixture.stamps(domainId), objects, bytes, quarantine: await fixture.quarantine() }
}

/** A store that runs `meanwhile` during a listing. */
function listing(order: 'before' | 'after', meanwhile: () => Promise<unknown>) {
  return (store: MirrorStore): MirrorStore => ({
    url: store.url,
    get: (key, maxBytes, signal) => store.get(key, maxBytes, signal),
    create: (key, bytes, signal, options) => store.create(key, bytes, signal, options),
    syncNames: (folder, signal) => store.syncNames(folder, signal),
    close: () => store.close(),
    async *list(prefix, signal) {
      if (order === 'after') await meanwhile()
      const listed: MirrorListed[] = []
      for await (const one of store.list(prefix, signal)) listed.push(one)
      if (order === 'before') await meanwhile()
      yield* listed
    },
  })
}

/** Lists nothing; every row is archived after the clock was read, and before the rows are read. */
const LISTED_NOTHING = (store: MirrorStore): MirrorStore => ({
  ...listing('before', async () => undefined)(store),
  async *list() {},
})

function archivedMeanwhile(ledger: ArchiveLedger): ArchiveLedger {
  return {
    ...ledger,
    page: async (...args) => {
      await fixture.archiver().once()
      return ledger.page(...args)
    },
  }
}

describe('backfill', () => {
  it('uploads and stamps rows that were never archived', async () => {
    const done = await backfill(fixture.archiver())
    expect(done).toMatchObject({ rows: ROWS, missing: ROWS, lost: 0, uploaded: ROWS, stamped: ROWS })
    expect(done).toMatchObject({ held: 0, failed: 0, findings: [], error: undefined })
    expect(await fixture.problems(rows)).toEqual([])
    expect(await backfill(fixture.archiver())).toMatchObject({ rows: ROWS, missing: 0, uploaded: 0 })
  })

  it('uploads lost objects again, reports them, and changes no stamp', async () => {
    const archiver = fixture.archiver()
    await archiver.once()
    const before = await everything()
    await lose(3, 4, 9)
    const done = await backfill(archiver)
    expect(done).toMatchObject({ missing: 3, lost: 3, uploaded: 3, stamped: 0, held: 0, failed: 0 })
    expect(done.findings.map((f) => [f.code, f.seqFrom, f.seqTo])).toEqual([
      ['object_missing', 3, 4],
      ['object_missing', 9, 9],
    ])
    const after = await everything()
    expect({ ...after, quarantine: [] }).toEqual({ ...before, quarantine: [] })
    expect(after.quarantine).toEqual([
      { code: 'object_missing', source: 'mirror', seq_from: 3, seq_to: 4 },
      { code: 'object_missing', source: 'mirror', seq_from: 9, seq_to: 9 },
    ])
    expect(archiver.found).toHaveLength(2)
  })

  it('reports the same in a dry run and changes nothing', async () => {
    const archiver = fixture.archiver()
    await archiver.once()
    await lose(3, 4, 9)
    await append(2)
    const before = await everything()
    const done = await backfill(archiver, { dryRun: true })
    expect(done).toMatchObject({ missing: 5, lost: 3, uploaded: 0, stamped: 0 })
    expect(done.findings.map((f) => [f.code, f.seqFrom, f.seqTo])).toEqual([
      ['object_missing', 3, 4],
      ['object_missing', 9, 9],
    ])
    expect(await everything()).toEqual(before)
    expect(archiver.found).toEqual([])
  })

  it('stays within its range', async () => {
    const done = await backfill(fixture.archiver(), { fromSeq: 8, toSeq: 12 })
    // Rows 1 to 7 wait, so that a stamp on row 8 would say that they were archived and are gone.
    const counts = { rows: 5, missing: 5, uploaded: 5, stamped: 0, waitingBelow: 1 }
    expect(done).toMatchObject({ fromSeq: 8, toSeq: 12, ...counts })
    expect(await fixture.objects(domainId)).toEqual(
      [8, 9, 10, 11, 12].map((seq) => `${String(seq).padStart(20, '0')}.json.zst`),
    )
    expect(await backfill(fixture.archiver(), { fromSeq: 12, toSeq: 12 })).toMatchObject({
      rows: 1,
      missing: 0,
    })
    expect(await backfill(fixture.archiver(), { fromSeq: 11 })).toMatchObject({ rows: 10, missing: 8 })
  })

  it('holds back an edited row, also where its object is gone', async () => {
    const archiver = fixture.archiver()
    await archiver.once()
    await lose(5)
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 5`,
    )
    const done = await backfill(archiver)
    expect(done).toMatchObject({ missing: 1, lost: 1, uploaded: 0, held: 1 })
    expect(done.findings.map(({ code }) => code).sort()).toEqual(['entry_hash_mismatch', 'object_missing'])
    expect(await fixture.objects(domainId)).toHaveLength(ROWS - 1)
  })

  it('uses the objects between the missing ones as proof, where a row was edited', async () => {
    const archiver = fixture.archiver()
    await archiver.once()
    await lose(3, 4, 9)
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 6`,
    )
    expect(await backfill(archiver)).toMatchObject({ missing: 3, lost: 3, uploaded: 3, held: 0 })
    expect(await fixture.objects(domainId)).toHaveLength(ROWS)
  })

  it('counts no row that an archiver uploads meanwhile', async () => {
    const archiver = fixture.archiver({ store: LISTED_NOTHING })
    const done = await backfill(archiver, {}, { ledger: archivedMeanwhile(archiver.ledger) })
    expect(done).toMatchObject({ rows: ROWS, missing: 0, lost: 0, uploaded: 0, findings: [] })
    expect(await fixture.problems(rows)).toEqual([])
    expect(await fixture.quarantine()).toEqual([])
  })

  it('finds objects that an archiver uploaded after the listing', async () => {
    const archiver = fixture.archiver({ store: listing('before', () => fixture.archiver().once()) })
    const done = await backfill(archiver)
    expect(done).toMatchObject({ lost: 0, uploaded: ROWS, stamped: 0, held: 0, findings: [] })
    expect(archiver.created).toEqual([])
    expect(await fixture.problems(rows)).toEqual([])
  })

  it('uploads a long chain with holes, within its range', async () => {
    const long = await fixture.chain(1200)
    const id = long[0]?.domainId ?? ''
    const archiver = fixture.archiver()
    await archiver.once()
    for (let seq = 1; seq <= 1200; seq += 3) await unlink(fixture.pathOf(id, seq))
    expect(await backfill(archiver, { domainId: id })).toMatchObject({ rows: 1200, lost: 400, uploaded: 400 })
    expect(await fixture.problems(long)).toEqual([])
    expect(await fixture.quarantine()).toHaveLength(400)
  })

  it('rejects an unknown chain and a range beyond the end', async () => {
    const archiver = fixture.archiver()
    const unknown = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
    await expect(backfill(archiver, { domainId: unknown })).rejects.toMatchObject({
      code: 'domain_not_found',
    })
    await expect(backfill(archiver, { toSeq: ROWS + 1 })).rejects.toMatchObject({ code: 'nothing_to_verify' })
  })

  it('ends at the signal, with its uploads stamped', async () => {
    const stop = new AbortController()
    const archiver = fixture.archiver({
      concurrency: 2,
      store: (store) => ({
        ...listing('before', async () => undefined)(store),
        create: async (key, bytes, signal, options) => {
          stop.abort(new Error('stopped'))
          return store.create(key, bytes, signal, options)
        },
      }),
    })
    const done = await backfill(archiver, {}, { stop: stop.signal })
    expect(done).toMatchObject({ uploaded: 1, stamped: 1 })
    expect(await fixture.objects(domainId)).toHaveLength(ROWS - (await fixture.unstamped(domainId)).length)
  })
})

describe('status', () => {
  it('counts rows, objects and the lag', async () => {
    const archiver = fixture.archiver()
    expect(await status(archiver)).toMatchObject({ rows: ROWS, archived: 0, objects: 0 })
    await archiver.once()
    const done = await status(archiver)
    expect(done).toMatchObject({ rows: ROWS, archived: ROWS, lagSeconds: 0, objects: ROWS })
    expect(done).toMatchObject({ gaps: { count: 0, firstSeqs: [] }, orphans: { count: 0, firstKeys: [] } })
    await append(3)
    const lagging = await status(archiver)
    expect(lagging).toMatchObject({ rows: ROWS + 3, archived: ROWS, objects: ROWS })
    // The rows of these tests are recorded in January 2026.
    expect(lagging.lagSeconds).toBeGreaterThan(86_400)
  })

  it('lists gaps, orphans and strays', async () => {
    const archiver = fixture.archiver()
    await archiver.once()
    await lose(3, 7)
    const path = fixture.pathOf(domainId, 9)
    await writeFile(fixture.pathOf(domainId, ROWS + 5), 'beyond')
    await rename(path, path.replace('00000000000000000009', '9'))
    expect(await status(archiver)).toMatchObject({
      rows: ROWS,
      archived: ROWS,
      objects: ROWS - 3 + 1,
      gaps: { count: 3, firstSeqs: [3, 7, 9] },
      orphans: { count: 1, firstKeys: [mirrorCodec.key(domainId, ROWS + 5)] },
      strays: { count: 1, examples: ['9.json.zst'] },
    })
    expect(await fixture.quarantine()).toEqual([])
  })

  it('reports no gap for rows that are archived around the listing', async () => {
    await fixture.archiver().once()
    const meanwhile = async () => {
      await append(3)
      expect(totals(await fixture.archiver().once())).toMatchObject({ stamped: 3 })
    }
    const busy = fixture.archiver({ store: listing('after', meanwhile) })
    expect(await status(busy)).toMatchObject({ gaps: { count: 0 }, orphans: { count: 0 }, objects: ROWS + 3 })
  })

  it('reports no gap for a row that is archived during the comparison', async () => {
    const busy = fixture.archiver({ store: LISTED_NOTHING })
    const seen = await status(busy, domainId, archivedMeanwhile(busy.ledger))
    expect(seen).toMatchObject({ rows: ROWS, archived: ROWS, objects: 0, gaps: { count: 0 } })
  })

  it('accepts a chain that only the mirror has, and rejects an unknown chain', async () => {
    const archiver = fixture.archiver()
    const unknown = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
    await expect(status(archiver, unknown)).rejects.toMatchObject({ code: 'domain_not_found' })
    await fixture.putObject(unknown, 1, Buffer.from('x'))
    expect(await status(archiver, unknown)).toMatchObject({ rows: 0, objects: 1, orphans: { count: 1 } })
  })
})
