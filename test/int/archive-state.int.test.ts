import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database } from '../../src/repo/session/database.js'
import { archiveState } from '../../src/repo/verify/archive-state.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { stampSql, unstampSql } from '../support/archive-stamps.js'
import { insertDomain } from '../support/chain-rows.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const ROWS = 8
/** A chain whose last two rows are ahead of the clock, as after a mistake of years. */
const AHEAD = ['2999-01-01 00:00:00Z', '2999-01-01 00:00:01Z']

let database: TestDatabase
let connected: Database

beforeAll(async () => {
  database = await testDatabase()
  await insertDomain(
    database.url,
    DOMAIN,
    Array.from({ length: ROWS }, () => ({})),
  )
  connected = new Database(database.url)
  // Between the times of stamps of 2026-02 and of stamps of now.
  await rowsOf(
    database.url,
    "INSERT INTO audit_mirror_marker (marker_id, recorded_at) VALUES (gen_random_uuid(), '2026-03-01 00:00:00Z')",
  )
})

afterAll(async () => {
  await connected.close()
  await database.drop()
})

const seqs = (condition: string) => `seq ${condition}`
const stamp = (condition: string, at = 'now()') => stampSql(seqs(condition), { at })
const early = "timestamptz '2026-02-01 00:00:00Z'"
const forged = (seq: number, at = 'now()') =>
  `INSERT INTO audit_archive_stamp VALUES ('${DOMAIN}', ${seq}, ${at}, '"x"');`
const recordedAhead = AHEAD.map(
  (at, i) => `UPDATE audit_log_entry SET recorded_at = '${at}' WHERE seq = ${ROWS - 1 + i};`,
).join('')
const exactly = (seq: number) =>
  `INSERT INTO audit_archive_stamp SELECT domain_id, seq, recorded_at, '"x"' FROM audit_log_entry WHERE seq = ${seq};`
const after = (seq: number) =>
  `INSERT INTO audit_archive_stamp SELECT domain_id, seq, recorded_at + interval '1 microsecond', '"x"'
   FROM audit_log_entry WHERE seq = ${seq};`

interface Expected {
  readonly through: number
  readonly inOrderBelow?: number
  readonly waiting?: number
  readonly rowless?: readonly number[]
}

const CASES: readonly (readonly [string, string, readonly [number, number], Expected])[] = [
  ['no stamp', '', [1, 8], { through: 0, waiting: 1 }],
  ['no stamp, and a segment', '', [3, 5], { through: 0, waiting: 3 }],
  ['every row stamped', stamp('> 0'), [1, 8], { through: 8 }],
  ['the first rows stamped', stamp('<= 5'), [1, 8], { through: 5, waiting: 6 }],
  ['the first rows stamped, and a segment of them', stamp('<= 5'), [2, 4], { through: 5 }],
  ['a row left out', stamp('<> 3'), [1, 8], { through: 2, waiting: 3, inOrderBelow: 8 }],
  ['a row left out before the segment', stamp('<> 3'), [4, 8], { through: 2, inOrderBelow: 8 }],
  [
    'a row left out, and rows without a stamp in the segment',
    stamp('NOT IN (3, 7, 8)'),
    [4, 8],
    { through: 2, waiting: 7, inOrderBelow: 6 },
  ],
  ['stamps from before the id of the mirrors', stamp('<> 3', early), [1, 8], { through: 2, waiting: 3 }],
  [
    'a stamp from before its row',
    stamp('<> 3') + forged(3, "'2020-01-01Z'"),
    [1, 8],
    { through: 2, waiting: 3, inOrderBelow: 8 },
  ],
  [
    'stamps without a row',
    stamp('> 0') + forged(20) + forged(30),
    [1, 40],
    { through: 8, rowless: [20, 30] },
  ],
  ['stamps without a row beyond the segment', stamp('> 0') + forged(20), [1, 8], { through: 8 }],
  ['a stamp without a row alone', forged(9), [1, 9], { through: 0, waiting: 1, rowless: [9] }],
  [
    'two stamps in one place',
    `ALTER TABLE audit_archive_stamp DROP CONSTRAINT audit_archive_stamp_pkey;
     ${stamp('> 0').replace('ON CONFLICT DO NOTHING', '')} ${forged(3, "'2020-01-01Z'")}`,
    [1, 8],
    { through: 8 },
  ],
  [
    'rows ahead of the clock with stamps of their own time, which may have been moved',
    `${recordedAhead} ${stamp('< 6', early)} ${exactly(7)} ${exactly(8)}`,
    [1, 8],
    { through: 5, waiting: 6 },
  ],
  [
    'rows ahead of the clock that were stamped in order',
    `${recordedAhead} ${stamp('< 6', early)} ${exactly(7)} ${after(8)}`,
    [1, 8],
    { through: 5, waiting: 6, inOrderBelow: 8 },
  ],
]

/** Reads the state after the change, and undoes the change. */
function stateAfter(sql: string, fromSeq: number, toSeq: number) {
  return asSuperuser(database.url, async (client) => {
    await client.query(`BEGIN; ${sql}`)
    const request = { domainId: DOMAIN, fromSeq, toSeq }
    const state = await archiveState(client as Parameters<typeof archiveState>[0], request, ROWS, true)
    await client.query('ROLLBACK')
    return state
  })
}

describe('archiveState', () => {
  it.each(CASES)('reads: %s', async (_what, sql, [from, to], expected) => {
    const state = await stateAfter(sql, from, to)
    expect({
      through: state?.through,
      inOrderBelow: state?.inOrderBelow,
      waiting: state?.waiting?.seq,
      rowless: state?.rowless?.firstSeqs,
    }).toEqual({ inOrderBelow: 0, waiting: undefined, rowless: undefined, ...expected })
  })
})

it('a scan reads the state of the archive unless its caller does without', async () => {
  await rowsOf(database.url, stamp('> 0'))
  const source = new PostgresSource(connected)
  const scan = async (readsArchive?: boolean) => {
    const request = { domainId: DOMAIN, fromSeq: 1, pins: [], readsArchive }
    return source.scan(request, () => undefined, new AbortController().signal)
  }
  expect((await scan()).archive).toMatchObject({ through: ROWS })
  expect((await scan(false)).archive).toBeUndefined()
  await asSuperuser(database.url, unstampSql())
})
