import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backfillChain } from '../../src/archive/backfill.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { DirectoryMirror } from '../../src/mirror/directory/directory.js'
import { ArchiveFixture, type Archiver, NEVER, totals } from '../support/archive-fixture.js'
import { SyncedDisk } from '../support/synced-disk.js'

/** More than one batch, so that batches overlap. */
const ROWS = 300

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
})
afterEach(() => fixture.drop())

/** Returns an archiver, and the rows that it asked stamps for before their objects could survive a loss of power. */
function watched() {
  const root = join(fixture.dir, 'mirror')
  const disk = new SyncedDisk(root)
  const early: number[] = []
  const archiver = fixture.archiver({
    store: () => new DirectoryMirror(root, false, disk.callsOf),
    queue: (queue) => ({
      ...queue,
      stamp: (chain, stamps) => {
        early.push(
          ...stamps.map(({ seq }) => seq).filter((seq) => !disk.survives(fixture.pathOf(chain, seq))),
        )
        return queue.stamp(chain, stamps)
      },
    }),
  })
  return { archiver, disk, early }
}

async function backfill(archiver: Archiver): Promise<number> {
  const deps = { ...archiver.deps, onProgress: () => undefined }
  return (await backfillChain({ domainId, dryRun: false }, deps, NEVER)).stamped
}

const drain = async (archiver: Archiver) => totals(await archiver.once()).stamped

it.each([
  ['the archiver', drain],
  ['a backfill', backfill],
])('stamps no row in %s before its object and its name are durable', async (_who, archive) => {
  const { archiver, disk, early } = watched()
  expect(await archive(archiver)).toBe(ROWS)
  expect(early).toEqual([])
  expect(await fixture.problems(rows)).toEqual([])
  const syncs = disk.order.filter((one) => one === `names in /audit/${domainId}`)
  expect(syncs.length).toBeLessThan(ROWS / 10)
})
