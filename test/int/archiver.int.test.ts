import { readFile } from 'node:fs/promises'
import { decompress } from '@mongodb-js/zstd'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { ArchiveFixture, type Archiver, md5, totals } from '../support/archive-fixture.js'
import { rehashed } from '../support/chain-builder.js'
import { dropChecks } from '../support/chain-rows.js'
import { asSuperuser } from '../support/postgres.js'
import { block, frame } from '../support/zstd-frames.js'

const ROWS = 10

let fixture: ArchiveFixture

beforeAll(async () => {
  fixture = await ArchiveFixture.make()
})
afterAll(() => fixture.drop())

/** Returns the findings of one chain in short form. */
function findingsOf(archiver: Archiver, domainId: string): string[] {
  return archiver.found
    .filter((found) => found.domainId === domainId)
    .map(({ source, finding }) => `${source} ${finding.code} ${finding.seqFrom}-${finding.seqTo}`)
}

describe('the archiver, of an intact chain,', () => {
  it('uploads every row, and stamps it with the etag of its object', async () => {
    const rows = await fixture.chain(600)
    const archiver = fixture.archiver()
    const chains = await archiver.once()
    expect(totals(chains)).toEqual({ stamped: 600, held: 0, failed: 0 })
    expect(await fixture.problems(rows)).toEqual([])
    expect(archiver.found).toEqual([])
    expect(await archiver.once()).toEqual([])
  })

  it('works with a role that has only the grants of an archiver', async () => {
    const rows = await fixture.chain(ROWS)
    const archiver = fixture.archiver({ databaseOptions: '-c role=audit_archiver' })
    await asSuperuser(
      fixture.url,
      `UPDATE audit_log_entry SET reason = 2 WHERE domain_id = '${rows[0]?.domainId}' AND seq = 3`,
    )
    expect(totals(await archiver.once())).toEqual({ stamped: ROWS - 3, held: 3, failed: 0 })
    expect(await fixture.quarantine()).toContainEqual({
      code: 'entry_hash_mismatch',
      source: 'postgres',
      seq_from: 3,
      seq_to: 3,
    })
    await clear(rows[0]?.domainId)
  })

  it('uploads to the mirror that the map gives the Domain, whatever the registry names', async () => {
    const url = `${fixture.mirrorUrl}-own`
    await fixture.mark(url)
    const rows = await fixture.chain(ROWS, `${fixture.mirrorUrl}-named`)
    const domainId = rows[0]?.domainId ?? ''
    const map = { lines: new Map([[domainId, url]]) }
    expect(totals(await fixture.archiver({ map }).once())).toMatchObject({ stamped: ROWS })
    expect(await fixture.objects(domainId, url)).toHaveLength(ROWS)
    expect(await fixture.objects(domainId, `${fixture.mirrorUrl}-named`)).toEqual([])
    expect(await fixture.objects(domainId)).toEqual([])
  })

  it('archives a row that commits late in the next pass', async () => {
    const all = await fixture.chain(ROWS)
    const archiver = fixture.archiver()
    await asSuperuser(fixture.url, async (client) => {
      const fifth = `FROM audit_log_entry WHERE domain_id = '${all[0]?.domainId}' AND seq = 5`
      await client.query(`CREATE TEMP TABLE late AS SELECT * ${fifth}`)
      await client.query(`DELETE ${fifth}`)
      await client.query('BEGIN')
      await client.query('INSERT INTO audit_log_entry SELECT * FROM late')
      // Nothing proves the rows before the gap yet: an attacker may have rewritten them and deleted that row.
      expect(totals(await archiver.once())).toEqual({ stamped: 5, held: 4, failed: 0 })
      await client.query('COMMIT')
    })
    expect(totals(await archiver.once())).toEqual({ stamped: 5, held: 0, failed: 0 })
    expect(await fixture.problems(all)).toEqual([])
    await clear(all[0]?.domainId)
  })
})

/** Removes the held rows, which other tests would find. */
async function clear(domainId: string | undefined): Promise<void> {
  await asSuperuser(fixture.url, `DELETE FROM audit_log_entry WHERE domain_id = '${domainId}'`)
  await asSuperuser(fixture.url, 'DELETE FROM audit_tamper_quarantine')
}

interface Attack {
  readonly name: string
  readonly sql: (row: (seq: number) => ChainedEntry) => string
  /** The rows that stay unarchived. */
  readonly held: readonly number[]
  readonly findings: readonly string[]
}

const at = (row: ChainedEntry) => `WHERE domain_id = '${row.domainId}' AND seq = ${row.seq}`

function forge(row: ChainedEntry): string {
  const forged = rehashed({ ...row, relation: 'project.delete' })
  return `UPDATE audit_log_entry SET relation = 'project.delete', entry_hash = '\\x${forged.entryHash}' ${at(row)}`
}

const ALL = Array.from({ length: ROWS }, (_, i) => i + 1)

const ATTACKS: readonly Attack[] = [
  {
    name: 'a field is edited',
    sql: (row) => `UPDATE audit_log_entry SET reason = 2 ${at(row(5))}`,
    held: [1, 2, 3, 4, 5],
    findings: ['postgres entry_hash_mismatch 5-5'],
  },
  {
    name: 'a row is edited and rehashed',
    sql: (row) => forge(row(5)),
    held: [1, 2, 3, 4, 5],
    findings: ['postgres broken_link 6-6'],
  },
  {
    name: 'a prev_hash is changed',
    sql: (row) => `UPDATE audit_log_entry SET prev_hash = '\\x${'ab'.repeat(32)}' ${at(row(5))}`,
    held: [5],
    findings: ['postgres broken_link 5-5'],
  },
  {
    name: 'the last row is edited and rehashed',
    sql: (row) => forge(row(ROWS)),
    held: ALL,
    findings: [`postgres head_mismatch ${ROWS}-${ROWS}`],
  },
  {
    name: 'the head is set back',
    sql: (row) =>
      `UPDATE audit_log_chain_head SET next_seq = 9, head_hash = '\\x${row(8).entryHash}'
       WHERE domain_id = '${row(8).domainId}'`,
    held: [9, 10],
    findings: ['postgres head_mismatch 9-10'],
  },
  {
    name: 'the head is gone',
    sql: (row) => `DELETE FROM audit_log_chain_head WHERE domain_id = '${row(8).domainId}'`,
    held: ALL,
    findings: ['postgres head_mismatch 10-10'],
  },
  {
    name: 'a time is infinite',
    sql: (row) => `UPDATE audit_log_entry SET recorded_at = 'infinity' ${at(row(5))}`,
    held: [1, 2, 3, 4, 5],
    findings: ['postgres malformed_row 5-5'],
  },
  {
    name: 'a column is NULL, so that no hash is left',
    sql: (row) => `UPDATE audit_log_entry SET entry_hash = NULL ${at(row(5))}`,
    held: [1, 2, 3, 4, 5],
    findings: ['postgres malformed_row 5-5'],
  },
  {
    name: 'a seq is duplicated',
    sql: (row) =>
      `ALTER TABLE audit_log_entry DROP CONSTRAINT audit_log_entry_pkey;
       INSERT INTO audit_log_entry SELECT * FROM audit_log_entry ${at(row(5))}`,
    held: [1, 2, 3, 4, 5, 5],
    findings: ['postgres duplicate_seq 5-5'],
  },
]

describe('the archiver, after an attack,', () => {
  it.each(ATTACKS.map((attack) => [attack.name, attack] as const))(
    'archives no damaged row: %s',
    async (_name, attack) => {
      const own = await ArchiveFixture.make()
      try {
        const rows = await own.chain(ROWS)
        const rowAt = (seq: number) => rows[seq - 1] as ChainedEntry
        await asSuperuser(own.url, async (client) => {
          await dropChecks(client)
          await client.query(attack.sql(rowAt))
        })
        const archiver = own.archiver()
        for (const _pass of [1, 2]) {
          const chains = await archiver.once()
          expect(chains[0]?.drained.held).toBe(new Set(attack.held).size)
          expect(await own.unstamped(rowAt(1).domainId)).toEqual(attack.held)
          expect(findingsOf(archiver, rowAt(1).domainId)).toEqual(attack.findings)
          expect(await own.problems(rows, attack.held)).toEqual([])
          // A duplicated row has one object.
          expect(await own.objects(rowAt(1).domainId)).toHaveLength(ROWS - new Set(attack.held).size)
        }
        expect(await own.quarantine()).toHaveLength(attack.findings.length)
      } finally {
        await own.drop()
      }
    },
  )
})

describe('the archiver, where the mirror has an object already,', () => {
  it.each([
    ['nonsense', async () => Buffer.from('nonsense')],
    [
      'the object of another row',
      async (rows: readonly ChainedEntry[]) => mirrorCodec.encode(rows[2] as ChainedEntry),
    ],
    [
      'a forged object of this row',
      async (rows: readonly ChainedEntry[]) =>
        mirrorCodec.encode(rehashed({ ...(rows[4] as ChainedEntry), relation: 'x.y' })),
    ],
  ])('keeps the object and holds the row back: %s', async (_name, bytesOf) => {
    const rows = await fixture.chain(ROWS)
    const domainId = rows[0]?.domainId ?? ''
    const other = await bytesOf(rows)
    await fixture.putObject(domainId, 5, other)
    const archiver = fixture.archiver()
    expect(totals(await archiver.once())).toEqual({ stamped: ROWS - 1, held: 1, failed: 0 })
    expect(findingsOf(archiver, domainId)).toEqual(['mirror copies_differ 5-5'])
    expect(await fixture.problems(rows, [5])).toEqual([])
    expect(await readFile(fixture.pathOf(domainId, 5))).toEqual(Buffer.from(other))
    expect(await fixture.quarantine()).toEqual([
      { code: 'copies_differ', source: 'mirror', seq_from: 5, seq_to: 5 },
    ])
    await clear(domainId)
  })

  it('stamps the etag of an object with the same bytes', async () => {
    const rows = await fixture.chain(ROWS)
    const [first] = rows
    await fixture.putObject(first?.domainId ?? '', 1, await mirrorCodec.encode(first as ChainedEntry))
    const archiver = fixture.archiver()
    expect(totals(await archiver.once())).toEqual({ stamped: ROWS, held: 0, failed: 0 })
    expect(await fixture.problems(rows)).toEqual([])
    expect(archiver.created).toHaveLength(ROWS - 1)
  })

  it('stamps the etag of an object with the same content in another compression', async () => {
    const rows = await fixture.chain(ROWS)
    const fifth = rows[4] as ChainedEntry
    const content = await decompress(Buffer.from(await mirrorCodec.encode(fifth)))
    const other = frame({ blocks: [block('raw', content, true)] })
    expect(md5(other)).not.toBe(md5(await mirrorCodec.encode(fifth)))
    await fixture.putObject(fifth.domainId, 5, other)
    expect(totals(await fixture.archiver().once())).toEqual({ stamped: ROWS, held: 0, failed: 0 })
    expect((await fixture.stamps(fifth.domainId))[4]?.archive_etag).toBe(md5(other))
    expect(await readFile(fixture.pathOf(fifth.domainId, 5))).toEqual(other)
  })
})

it('shares four chains between two archivers: stamps each row once and creates each object once', async () => {
  const chains = []
  for (let i = 0; i < 4; i += 1) chains.push(await fixture.chain(400))
  const archivers = [fixture.archiver(), fixture.archiver()]
  const passes = await Promise.all(archivers.map((archiver) => archiver.once()))
  expect(totals(passes.flat())).toEqual({ stamped: 1600, held: 0, failed: 0 })
  for (const rows of chains) expect(await fixture.problems(rows)).toEqual([])
  const asked = archivers.flatMap((archiver) => archiver.asked)
  expect(asked).toHaveLength(1600)
  expect(new Set(asked).size).toBe(1600)
})
