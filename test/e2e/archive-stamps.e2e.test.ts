import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { jsonLines, runCli } from '../support/cli.js'
import { asSuperuser } from '../support/postgres.js'

const ROWS = 12

interface Result {
  readonly ok: boolean
  readonly unarchived?: number
  readonly archived_through?: number
  readonly findings: readonly { readonly code: string; readonly seq_from: number; readonly seq_to: number }[]
}

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string
let pins: string

const audit = (...args: string[]) =>
  runCli(args, {
    env: {
      AUDIT_DATABASE_URL: fixture.url,
      AUDIT_MIRROR_URL: fixture.mirrorUrl,
      AUDIT_HOME: join(fixture.dir, 'home'),
    },
  })

/** Returns the exit code, the findings and the errors of a verify of the chain. */
async function verify(...flags: string[]) {
  const { code, stdout, stderr } = await audit('verify', '--domain', domainId, '--json', ...flags)
  const [result] = jsonLines(stdout) as Result[]
  const found = (result?.findings ?? []).map((one) => `${one.code} ${one.seq_from}-${one.seq_to}`)
  const errors = stderr
    .split('\n')
    .flatMap((line) => (line.startsWith('{"error"') ? [JSON.parse(line).error.code] : []))
  return { code, found, errors, result }
}

const unstamp = (where: string) =>
  asSuperuser(fixture.url, unstampSql(`domain_id = '${domainId}' AND ${where}`))
const lose = async (...seqs: number[]) => {
  for (const seq of seqs) await rm(fixture.pathOf(domainId, seq))
}

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  rows = await fixture.chain(ROWS)
  domainId = rows[0]?.domainId ?? ''
  expect((await audit('archiver', '--once')).code).toBe(0)
  pins = join(fixture.dir, 'pins.ndjson')
  await writeFile(pins, (await audit('verify', '--domain', domainId, '--json')).stdout)
})
afterEach(() => fixture.drop())

describe('a row without a stamp', () => {
  it('below a stamped row is object_missing where its object is gone too', async () => {
    await unstamp('seq IN (4, 5)')
    await lose(4, 5)
    expect(await verify('--source', 'both')).toMatchObject({ code: 1, found: ['object_missing 4-5'] })
    expect(await verify()).toMatchObject({ code: 0, result: { archived_through: 3 } })
    expect(await verify('--source', 'mirror')).toMatchObject({ code: 1 })
  })

  it('is no finding while its object is there, and gets its stamp again', async () => {
    await unstamp('seq IN (4, 5, 12)')
    for (const source of ['postgres', 'both', 'mirror']) {
      expect(await verify('--source', source)).toMatchObject({ code: 0, found: [] })
    }
    expect(await verify('--source', 'both', '--expect-heads', pins)).toMatchObject({ code: 0 })
    expect((await audit('archiver', '--once')).code).toBe(0)
    expect((await verify()).result?.archived_through).toBe(ROWS)
  })

  it('is no finding below rows that were stamped before stamps were in order', async () => {
    await unstamp('seq = 4')
    await lose(4)
    await asSuperuser(fixture.url, `UPDATE audit_mirror_marker SET recorded_at = now() + interval '1 hour'`)
    expect(await verify('--source', 'both')).toMatchObject({ code: 0, result: { unarchived: 1 } })
  })

  it('at the end of the chain is found with a saved result, and not with a head alone', async () => {
    await unstamp('seq > 9')
    await lose(10, 11, 12)
    expect(await verify('--source', 'both')).toMatchObject({ code: 0, result: { unarchived: 3 } })
    expect(await verify('--source', 'both', '--expect-heads', pins)).toMatchObject({
      code: 1,
      found: ['object_missing 10-12'],
    })
    const head = ['--expect-head', `${ROWS}:${rows.at(-1)?.entryHash}`]
    expect(await verify('--source', 'both', ...head)).toMatchObject({ code: 0, found: [] })
    expect(await verify('--expect-heads', pins)).toMatchObject({ code: 3, errors: ['archive_behind'] })
    expect(await verify(...head)).toMatchObject({ code: 0 })
  })

  it('that was appended after the result was saved is not archived yet', async () => {
    const last = rows.at(-1)
    await insertRows(fixture.url, chainRows(domainId, Array(3).fill({}), ROWS + 1, last?.entryHash))
    for (const source of ['postgres', 'both']) {
      expect(await verify('--source', source, '--expect-heads', pins)).toMatchObject({
        code: 0,
        result: { archived_through: ROWS },
      })
    }
  })
})

it('is printed as archived_through in the results of postgres and both, as text and JSON', async () => {
  await unstamp('seq > 9')
  for (const source of ['postgres', 'both']) {
    expect((await verify('--source', source)).result?.archived_through).toBe(9)
    expect((await audit('verify', '--domain', domainId, '--source', source)).stdout).toContain(
      'archived through 9',
    )
  }
  expect((await verify('--source', 'mirror')).result).not.toHaveProperty('archived_through')
})

describe('--max-unarchived', () => {
  it('makes an older row that is not archived 3, besides any finding', async () => {
    for (const source of ['postgres', 'both'])
      expect(await verify('--source', source, '--max-unarchived', '1h')).toMatchObject({ code: 0 })
    await unstamp('seq > 9')
    await lose(10, 11, 12)
    for (const source of ['postgres', 'both']) {
      expect(await verify('--source', source, '--max-unarchived', '1h')).toMatchObject({
        code: 3,
        errors: ['archive_behind'],
      })
    }
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${domainId}' AND seq = 3`,
    )
    expect(await verify('--max-unarchived', '1h')).toMatchObject({ code: 1, errors: ['archive_behind'] })
  })

  it('accepts a row that is younger', async () => {
    const recordedAt = BigInt(Date.now()) * 1_000n - 600_000_000n
    const last = rows.at(-1)
    await insertRows(fixture.url, chainRows(domainId, [{ recordedAt }], ROWS + 1, last?.entryHash))
    for (const source of ['postgres', 'both']) {
      expect(await verify('--source', source, '--max-unarchived', '1h')).toMatchObject({ code: 0 })
      expect(await verify('--source', source, '--max-unarchived', '5m')).toMatchObject({ code: 3 })
    }
  })

  it.each([
    ['a mirror alone', ['--source', 'mirror', '--max-unarchived', '1h']],
    ['no unit', ['--max-unarchived', '60']],
    ['no time', ['--max-unarchived', 'soon']],
  ])('is refused with %s', async (_name, flags) => {
    expect(await verify(...flags)).toMatchObject({ code: 2, errors: ['usage'] })
  })
})

it.each([
  ['withholds stamps', 'BEFORE INSERT', 'BEGIN RETURN NULL; END'],
  [
    'removes stamps at COMMIT',
    'CONSTRAINT',
    `BEGIN SET LOCAL session_replication_role = replica;
       DELETE FROM audit_archive_stamp WHERE domain_id = NEW.domain_id AND seq = NEW.seq; RETURN NULL; END`,
  ],
])('ends archiver --once with 3 where a trigger %s', async (_name, kind, body) => {
  const last = rows.at(-1)
  await insertRows(fixture.url, chainRows(domainId, [{}], ROWS + 1, last?.entryHash))
  const trigger =
    kind === 'CONSTRAINT'
      ? 'CREATE CONSTRAINT TRIGGER thief AFTER INSERT ON audit_archive_stamp DEFERRABLE INITIALLY DEFERRED'
      : 'CREATE TRIGGER aaa_thief BEFORE INSERT ON audit_archive_stamp'
  await asSuperuser(
    fixture.url,
    `CREATE FUNCTION thief() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$; ${trigger} FOR EACH ROW EXECUTE FUNCTION thief()`,
  )
  const once = await audit('archiver', '--once', '--json')
  expect(once.code).toBe(3)
  expect(await fixture.unstamped(domainId)).toEqual([ROWS + 1])
})

it('ends archiver --once with 3 where a row below the new ones lost its stamp meanwhile, and names it', async () => {
  const last = rows.at(-1)
  await insertRows(fixture.url, chainRows(domainId, [{}], ROWS + 1, last?.entryHash))
  await asSuperuser(
    fixture.url,
    `CREATE FUNCTION thief() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       SET LOCAL session_replication_role = replica;
       DELETE FROM audit_archive_stamp WHERE domain_id = NEW.domain_id AND seq = 4;
       RETURN NULL; END $$;
     CREATE CONSTRAINT TRIGGER thief AFTER INSERT ON audit_archive_stamp DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.seq = ${ROWS + 1}) EXECUTE FUNCTION thief()`,
  )
  const once = await audit('archiver', '--once', '--json')
  const failure = JSON.parse(once.stderr.split('\n').find((one) => one.startsWith('{"error"')) ?? '{}')
  expect([once.code, failure.error]).toEqual([
    3,
    expect.objectContaining({
      code: 'archive_behind',
      message: expect.stringContaining(`chain ${domainId}: row 4 still waits`),
    }),
  ])
})

describe('a stamp without a row', () => {
  const forge = () =>
    asSuperuser(
      fixture.url,
      `INSERT INTO audit_archive_stamp VALUES ('${domainId}', 99, now(), 'x'), ('${domainId}', 100, now(), 'x')`,
    )

  it('is a note of verify, and changes no exit code', async () => {
    await forge()
    for (const source of ['postgres', 'both']) {
      expect(await verify('--source', source)).toMatchObject({
        code: 0,
        found: [],
        result: { rowless_stamps: { count: 2, first_seqs: [99, 100] }, archived_through: ROWS },
      })
      const { stderr } = await audit('verify', '--domain', domainId, '--source', source)
      expect(stderr).toContain('2 archive stamps name no row of the database (99, 100)')
    }
    expect((await verify('--to-seq', String(ROWS))).result).not.toHaveProperty('rowless_stamps')
    expect((await verify('--source', 'mirror')).result).not.toHaveProperty('rowless_stamps')
  })

  it('is a note of verify --all where the chain has no row at all', async () => {
    const OTHER = '018f0000-0000-7000-8000-00000000beef'
    const before = await audit('verify', '--all')
    await asSuperuser(fixture.url, `INSERT INTO audit_archive_stamp VALUES ('${OTHER}', 7, now(), 'x')`)
    for (const source of ['postgres', 'both', 'mirror']) {
      const { code, stderr } = await audit('verify', '--all', '--source', source)
      if (source === 'postgres') expect(code).toBe(before.code)
      const line = `chain ${OTHER}: 1 archive stamp names no row of the database (7)`
      expect(stderr.includes(line)).toBe(source !== 'mirror')
      expect(stderr).not.toContain(`chain ${domainId}: 1 archive`)
    }
  })

  it('is row_missing where the mirror has an object that links to the chain', async () => {
    const [next] = chainRows(domainId, [{}], ROWS + 1, rows.at(-1)?.entryHash)
    if (next !== undefined) await fixture.putObject(domainId, ROWS + 1, await mirrorCodec.encode(next))
    await asSuperuser(
      fixture.url,
      `INSERT INTO audit_archive_stamp VALUES ('${domainId}', ${ROWS + 1}, now(), 'x')`,
    )
    expect(await verify('--source', 'both')).toMatchObject({
      code: 1,
      found: [`row_missing ${ROWS + 1}-${ROWS + 1}`],
      result: { rowless_stamps: { count: 1 } },
    })
    expect(await verify()).toMatchObject({ code: 0, result: { rowless_stamps: { count: 1 } } })
  })
})

it('is counted in the status of the archive where an object has no stamp', async () => {
  await unstamp('seq IN (4, 5)')
  const status = async () =>
    jsonLines((await audit('archive', 'status', '--domain', domainId, '--json')).stdout)[0]
  expect(await status()).toMatchObject({ archived: ROWS - 2, lag_rows: 2, unstamped_objects: 2 })
  await audit('archiver', '--once')
  expect(await status()).toMatchObject({ archived: ROWS, lag_rows: 0, lag_seconds: 0, unstamped_objects: 0 })
})

describe('archiver --once', () => {
  it('ends with 1 and uploads the row where a stamp has no object', async () => {
    await lose(4)
    const once = await audit('archiver', '--once', '--json')
    expect([once.code, once.stderr]).toEqual([1, expect.stringContaining('object_missing  row 4 of mirror')])
    expect(await fixture.objects(domainId)).toHaveLength(ROWS)
    expect((await audit('archiver', '--once')).code).toBe(0)
  })

  it('ends with 1 and names the row where a stamp is older than its row', async () => {
    await unstamp('seq = 4')
    await asSuperuser(
      fixture.url,
      `INSERT INTO audit_archive_stamp VALUES ('${domainId}', 4, '2001-01-01', 'x')`,
    )
    await lose(4)
    const once = await audit('archiver', '--once', '--json')
    expect([once.code, once.stderr]).toEqual([1, expect.stringContaining('its archive stamp does not count')])
    expect(await fixture.objects(domainId)).toHaveLength(ROWS)
    expect(await verify('--source', 'both')).toMatchObject({ code: 0, result: { archived_through: 3 } })
  })
})
