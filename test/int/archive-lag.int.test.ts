import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { glance } from '../../src/repo/reconcile/reconcile-glance.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { stampSql, unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { asSuperuser } from '../support/postgres.js'

const ROWS = 300
const LARGEST = 9007199254740991

let fixture: ArchiveFixture
let rows: ChainedEntry[]

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  await asSuperuser(fixture.url, stampSql())
})
afterEach(() => fixture.drop())

const force = (seq: number) =>
  `INSERT INTO audit_archive_watermark SELECT domain_id, ${seq} FROM audit_log_entry LIMIT 1
   ON CONFLICT (domain_id) DO UPDATE SET seq = excluded.seq;`
const NO_WATERMARK = 'DELETE FROM audit_archive_watermark;'

/** Appends rows, which no archiver uploads. */
async function append(count: number): Promise<void> {
  const id = rows[0]?.domainId ?? ''
  await insertRows(fixture.url, chainRows(id, Array(count).fill({}), ROWS + 1, rows.at(-1)?.entryHash))
}

async function waiting() {
  const { chains } = await glance(fixture.archiver().database)
  return chains.find(({ domainId }) => domainId === rows[0]?.domainId)?.waiting
}

describe('the first waiting row of the metrics', () => {
  it.each<[string, string, number, number | undefined]>([
    ['none where every row has a stamp', force(ROWS), 0, undefined],
    ['none where every row has a stamp, and the watermark is gone', NO_WATERMARK, 0, undefined],
    ['the first new row', force(ROWS), 200, ROWS + 1],
    ['the first new row, with a watermark that was forced to the last row', force(ROWS + 200), 200, ROWS + 1],
    ['the first new row, with a watermark that was forced beyond all rows', force(LARGEST), 200, ROWS + 1],
    ['the first new row, without a watermark', NO_WATERMARK, 200, ROWS + 1],
    ['row 1, with a forced watermark and no stamp', unstampSql() + force(LARGEST), 1, 1],
    ['a row above the watermark that was held back', unstampSql('seq = 2') + force(1), 200, 2],
    ['a recent row that a forced watermark covers', unstampSql('seq = 250') + force(LARGEST), 0, 250],
    [
      'the first new row, with a stamp of no row and a forced watermark',
      `INSERT INTO audit_archive_stamp SELECT domain_id, 5000, now(), 'x' FROM audit_log_entry LIMIT 1; ${force(LARGEST)}`,
      20,
      ROWS + 1,
    ],
    [
      'the first new row, with a stamp that is older than its row and a forced watermark',
      `INSERT INTO audit_archive_stamp SELECT domain_id, ${ROWS + 20}, '-infinity', 'x' FROM audit_log_entry LIMIT 1; ${force(LARGEST)}`,
      20,
      ROWS + 1,
    ],
  ])('is %s', async (_name, sql, added, expected) => {
    await append(added)
    await asSuperuser(fixture.url, sql)
    const found = await waiting()
    expect(found?.seq).toBe(expected)
    if (found !== undefined) expect(found.lagSeconds).toBeGreaterThan(0)
  })
})
