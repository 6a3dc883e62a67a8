import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropChecks, insertDomain } from '../support/chain-rows.js'
import type { CliResult } from '../support/cli.js'
import { OldDatabase, SOURCES, type Verified, verifyAll } from '../support/old-database.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'

interface Odd {
  readonly domainId: string
  /** What is done to the chain `$d` of four archived rows. */
  readonly attack: string
  /** The places of the stamps after the migration. */
  readonly stamps: readonly number[]
  /** What verify says about the chain after the migration and not before. */
  readonly archivedThrough?: number
}

const ALL = [1, 2, 3, 4]
const set = (values: string) => `UPDATE audit_log_entry SET ${values} WHERE domain_id = '$d' AND seq = 3`
/** Copies row 2. The copy has another prev_hash, because the old schema has an index on it. */
const copy = (values: object) =>
  `INSERT INTO audit_log_entry SELECT (jsonb_populate_record(e, '${JSON.stringify({ prev_hash: `\\x${'09'.repeat(32)}`, ...values })}')).*
     FROM audit_log_entry e WHERE domain_id = '$d' AND seq = 2`

const NIL = '00000000-0000-0000-0000-000000000000'

const odd = (attack: string, { stamps = ALL, ...differs }: Partial<Odd> = {}): Odd => ({
  domainId: randomUUID(),
  attack,
  stamps,
  ...differs,
})

const ODD = {
  'nothing odd': odd('SELECT'),
  'a row without a stamp': odd(set('archived_at = NULL, archive_etag = NULL'), { stamps: [1, 2, 4] }),
  'a row at seq 0': odd(copy({ seq: 0 })),
  'a row at a negative seq': odd(copy({ seq: -7 })),
  'a row above the last seq that a chain can have': odd(copy({ seq: '9007199254740992' })),
  'a row of the nil domain': odd(copy({ domain_id: NIL })),
  'an etag without a time': odd(set('archived_at = NULL'), { archivedThrough: 4 }),
  'a time without an etag': odd(set('archive_etag = NULL')),
  'a stamp at infinity': odd(set("archived_at = 'infinity'")),
  'a stamp at -infinity': odd(set("archived_at = '-infinity'")),
  'a stamp from before its row': odd(set("archived_at = recorded_at - interval '1 day'")),
  'a row recorded at infinity': odd(set("recorded_at = 'infinity'")),
  'a row recorded at -infinity': odd(set("recorded_at = '-infinity'")),
  'a row recorded years after its stamp': odd(set("recorded_at = now() + interval '9 years'")),
  'a row without a recorded_at': odd(set('recorded_at = NULL'), { archivedThrough: 2 }),
} satisfies Record<string, Odd>

type Reports = Readonly<Record<(typeof SOURCES)[number], Verified>>

interface Migrated {
  readonly before: Reports
  readonly after: Reports
  readonly heads: readonly [unknown, unknown]
  readonly result: CliResult
}

/** Migrates between two verifies from each source. */
async function migrated(old: OldDatabase): Promise<Migrated> {
  const heads = await old.heads()
  const before = await reports((args) => old.before(args))
  const result = await old.now(['db', 'migrate'])
  const after = await reports((args) => old.now(args))
  return { before, after, result, heads: [heads, await old.heads()] }
}

async function reports(run: (args: readonly string[]) => Promise<CliResult>): Promise<Reports> {
  const [postgres, mirror, both] = [
    verifyAll(run, 'postgres'),
    verifyAll(run, 'mirror'),
    verifyAll(run, 'both'),
  ]
  return { postgres: await postgres, mirror: await mirror, both: await both }
}

const chainOf = (reports: Reports, source: keyof Reports, domainId: string) =>
  reports[source].chains.filter((line) => line.domain_id === domainId)

const stampsOf = async (old: OldDatabase, domainId: string) =>
  (
    await rowsOf(
      old.url,
      `SELECT seq::int FROM audit_archive_stamp WHERE domain_id = '${domainId}' ORDER BY seq`,
    )
  ).map(({ seq }) => seq)

describe('the migration of the stamps, of a log with odd rows', () => {
  let old: OldDatabase
  let run: Migrated

  beforeAll(async () => {
    old = await OldDatabase.make()
    for (const { domainId } of Object.values(ODD)) await insertDomain(old.url, domainId, [{}, {}, {}, {}])
    await old.done(old.before(['archiver', '--once']))
    await asSuperuser(old.url, async (client) => {
      await dropChecks(client)
      for (const { domainId, attack } of Object.values(ODD))
        await client.query(attack.replaceAll('$d', domainId))
    })
    run = await migrated(old)
  })
  afterAll(() => old?.drop())

  it('succeeds, and says how many stamps have no place', () => {
    expect(run.result).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^note: 4 of 66 stamps were not moved: .* audit verify --all /),
    })
    expect(run.heads[1]).toEqual(run.heads[0])
  })

  it.each(Object.entries(ODD))(
    'keeps each stamp that has a place, and it counts: %s',
    async (_name, { domainId, stamps }) => {
      expect(await stampsOf(old, domainId)).toEqual(stamps)
      const uncounted = `SELECT seq FROM audit_archive_stamp s JOIN audit_log_entry e USING (domain_id, seq)
       WHERE domain_id = '${domainId}' AND s.archived_at < e.recorded_at`
      expect(await rowsOf(old.url, uncounted)).toEqual([])
    },
  )

  it.each(Object.entries(ODD))(
    'leaves what a verify reports of the chain: %s',
    (_name, { domainId, archivedThrough }) => {
      for (const source of SOURCES) {
        const [before] = chainOf(run.before, source, domainId)
        const isCounted = archivedThrough !== undefined && source !== 'mirror'
        const expected = { ...before, ...(isCounted && { archived_through: archivedThrough }) }
        expect(chainOf(run.after, source, domainId)).toEqual([expected])
      }
    },
  )

  it('calls a chain of the nil domain unknown, because it has no stamps any more', () => {
    const codes = (reports: Reports) =>
      chainOf(reports, 'postgres', NIL)
        .flatMap(({ findings }) => findings as { code: string }[])
        .map(({ code }) => code)
        .sort()
    expect(codes(run.after)).toEqual(['chain_unknown', ...codes(run.before)])
  })

  it.each(SOURCES)('leaves how a verify ends: %s', (source) => {
    const endOf = (reports: Reports) => [
      reports[source].code,
      reports[source].errors.filter(({ error }) => !error.message.startsWith(`chain ${NIL}`)),
    ]
    expect(endOf(run.after)).toEqual(endOf(run.before))
  })
})

it('the migration moves one stamp of two rows in one place, and says so', async () => {
  const old = await OldDatabase.make()
  const domainId = randomUUID()
  await insertDomain(old.url, domainId, [{}, {}, {}, {}])
  await old.done(old.before(['archiver', '--once']))
  await asSuperuser(old.url, async (client) => {
    await client.query('ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey CASCADE')
    await client.query(copy({ archived_at: '2040-01-01' }).replaceAll('$d', domainId))
  })
  const { before, after, result } = await migrated(old)
  expect(result).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^note: 1 of 8 stamps were left out: .* audit verify --all /),
  })
  expect(await stampsOf(old, domainId)).toEqual(ALL)
  expect(after).toEqual(before)
  await old.drop()
})
