import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainHead } from '../../src/chain/entry.js'
import type { ByteRow } from '../../src/chain/fast-path.js'
import type { Finding } from '../../src/chain/finding.js'
import type { StoredRow } from '../../src/chain/fold.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import type { EntrySource } from '../../src/ports/verify.js'
import { Database } from '../../src/repo/session/database.js'
import { postgresSnapshots } from '../../src/repo/verify/postgres-snapshot.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { BothSource } from '../../src/verify/both-source.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { stampSql } from '../support/archive-stamps.js'
import { A, a, B, type PlainRow, rehashed, rewritten } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { FORKS } from '../support/attacks/forks.js'
import { moveHead, put, remove } from '../support/attacks/statements.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { S3_SERVER, S3Site } from '../support/mirror-attacks/s3-site.js'
import { asSuperuser } from '../support/postgres.js'

/** Damage that every copy can show: the same rows overwritten, and the same rows deleted. */
interface Damage {
  readonly name: string
  readonly written?: readonly PlainRow[]
  readonly removed?: readonly number[]
  /** Where the chain head is moved to. Only Postgres has a head. */
  readonly head?: ChainHead
}

interface Range {
  readonly name: string
  readonly fromSeq?: number
  readonly toSeq?: number
  readonly pins?: readonly ChainHead[]
}

const F = 'f'.repeat(64)
const headOf = (row: Pick<PlainRow, 'seq' | 'entryHash'> | undefined): ChainHead => ({
  seq: row?.seq ?? 0,
  hash: row?.entryHash ?? '',
})
const forged = rehashed({ ...a(4), relation: 'x' })
const suffix = rewritten(4, { relation: 'x' })
const backdated = rewritten(5, { recordedAt: a(1).recordedAt - 1n })
const upTo5 = rewritten(4, { relation: 'x' }).filter(({ seq }) => seq <= 5)

const DAMAGES: readonly Damage[] = [
  { name: 'no damage' },
  { name: 'a row edited', written: [{ ...a(4), relation: 'x' }] },
  { name: 'the genesis row edited', written: [{ ...a(1), relation: 'x' }] },
  {
    name: 'neighbours edited',
    written: [
      { ...a(4), relation: 'x' },
      { ...a(5), object: 'project:x' },
    ],
  },
  { name: 'a row edited and rehashed', written: [forged] },
  { name: 'a row backdated, the suffix rewritten', written: backdated, head: headOf(backdated.at(-1)) },
  { name: 'a prev_hash edited', written: [{ ...a(4), prevHash: F }] },
  { name: 'an entry_hash edited', written: [{ ...a(4), entryHash: F }] },
  { name: 'rows rewritten together, up to a link that breaks', written: upTo5 },
  { name: 'a row deleted', removed: [4] },
  { name: 'rows deleted at the start', removed: [1, 2] },
  { name: 'rows deleted in two places', removed: [3, 5, 6] },
  { name: 'the tail cut, the head rewound', removed: [7, 8], head: headOf(a(6)) },
  { name: 'the suffix rewritten, with the head', written: suffix, head: headOf(suffix.at(-1)) },
  ...FORKS.slice(0, 2).map(({ name, rows }) => ({ name, written: rows, head: headOf(rows.at(-1)) })),
  {
    name: 'several kinds of damage',
    written: [{ ...a(2), relation: 'x' }, rehashed({ ...a(6), reason: 2 })],
    removed: [4],
  },
]

const RANGES: readonly Range[] = [
  { name: 'the whole chain' },
  { name: 'the whole chain, pinned', pins: [headOf(a(8))] },
  { name: 'the whole chain, pinned in the middle', pins: [headOf(a(3)), headOf(a(5))] },
  { name: 'rows 5 to the end', fromSeq: 5 },
  { name: 'rows 1 to 4', toSeq: 4 },
  { name: 'rows 4 to 6', fromSeq: 4, toSeq: 6 },
  { name: 'rows 1 to 9, beyond the end', toSeq: 9 },
]

let fixture: AttackFixture
let honest: MirrorCopy
let site: S3Site
const stores: MirrorStore[] = []

beforeAll(async () => {
  fixture = await attackFixture()
  honest = await MirrorCopy.ofChains()
  site = await S3Site.start()
  for (const [name, value] of Object.entries(site.env)) vi.stubEnv(name, value)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  for (const store of stores) store.close()
  await site.stop()
  await fixture.drop()
  await honest.drop()
})

async function damagedField({ written = [], removed = [], head }: Damage): Promise<Field> {
  const gone = removed.length === 0 ? '' : remove(`seq IN (${removed.join(', ')})`)
  const moved = head === undefined ? '' : moveHead(head.seq, head.hash)
  const archived = stampSql()
  return fixture.attacked(archived + written.map(put).join('') + gone + moved)
}

async function damagedMirror({ written = [], removed = [] }: Damage): Promise<MirrorCopy> {
  const mirror = await honest.copied()
  for (const row of written) await mirror.write(row)
  for (const seq of removed) await mirror.remove(at(seq))
  return mirror
}

async function mirrorSource(url: string): Promise<MirrorSource> {
  const store = await openMirror(url)
  stores.push(store)
  // No uploads run meanwhile.
  return new MirrorSource(store, mirrorCodec, nodeHasher, { patience: 0 })
}

/** Returns the verdict without the source and the duration, and the rows that were observed; or the error's code. */
async function report(source: EntrySource, range: Range): Promise<unknown> {
  const { fromSeq = 1, toSeq, pins = [] } = range
  const observed: StoredRow[] = []
  const observer = {
    add: (row: ByteRow) => void observed.push(row.stored()),
    addStored: (row: StoredRow) => void observed.push(row),
    restart: () => void observed.splice(0),
  }
  const request = { domainId: A, fromSeq, toSeq, pins, observer }
  try {
    const verdict = await verifyChain(source, request, () => undefined, new AbortController().signal)
    // Each source names the mirror that it read, and only PostgreSQL has archive stamps and a head of its own.
    const {
      source: name,
      durationMs,
      mirror: _mirror,
      archivedThrough: _through,
      rowlessStamps: _rowless,
      end,
      ...rest
    } = verdict
    expect(name).toBe(source.name)
    expect(durationMs).toBeGreaterThanOrEqual(0)
    // Only two copies show what was changed.
    const findings = rest.findings.map(bare)
    return {
      ...rest,
      end: end === 'head' ? 'unproven' : end,
      findings,
      observed: observed.map(({ seq, entryHash }) => `${seq}:${entryHash}`),
    }
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

describe.each(DAMAGES.map((damage) => [damage.name, damage] as const))(
  `%s, S3 being ${S3_SERVER}`,
  (_name, damage) => {
    let field: Field
    let mirror: MirrorCopy
    let database: Database
    let postgres: EntrySource
    let directory: EntrySource
    let bucket: EntrySource
    let both: EntrySource

    beforeAll(async () => {
      field = await damagedField(damage)
      mirror = await damagedMirror(damage)
      const prefix = randomBytes(6).toString('hex')
      await site.sync(mirror.dir, prefix)
      database = new Database(field.url)
      postgres = new PostgresSource(database)
      const ofDirectory = await mirrorSource(mirror.url)
      directory = ofDirectory
      bucket = await mirrorSource(site.url(prefix))
      both = new BothSource(postgresSnapshots(database), ofDirectory.store, mirrorCodec, nodeHasher)
    })

    afterAll(async () => {
      await database.close()
      await field.drop()
      await mirror.drop()
    })

    it.each(RANGES.map((range) => [range.name, range] as const))(
      'gives one report for %s',
      async (_name, range) => {
        const expected = await report(postgres, range)
        expect(await report(directory, range)).toEqual(expected)
        expect(await report(bucket, range)).toEqual(expected)
        if (typeof expected === 'string') expect(expected).toBe('nothing_to_verify')
        else expect(plain(await report(both, range))).toEqual(plain(expected))
      },
    )

    it('is found, unless the rows alone cannot show it', async () => {
      const unseen = ['no damage', 'the tail cut, the head rewound', 'the suffix rewritten, with the head']
      expect(await report(postgres, { name: 'the whole chain' })).toMatchObject({
        ok: unseen.includes(damage.name),
      })
    })
  },
)

/** A bucket whose newest objects were removed: the mirror alone cannot show that. */
describe('a mirror without the newest 10 of 25 objects', () => {
  const rows = chainRows(
    B,
    Array.from({ length: 25 }, () => ({})),
  )
  let field: Field
  let mirror: MirrorCopy
  let database: Database

  beforeAll(async () => {
    field = await fixture.attacked(
      `${remove('true', B)} DELETE FROM audit_log_chain_head WHERE domain_id = '${B}';`,
    )
    await insertRows(field.url, rows)
    await asSuperuser(field.url, stampSql())
    mirror = await honest.copied()
    for (const row of rows.slice(0, 15)) await mirror.put(keyOf(B, row.seq), await mirrorCodec.encode(row))
    database = new Database(field.url)
  })

  afterAll(async () => {
    await database.close()
    await field.drop()
    await mirror.drop()
  })

  const verify = (source: EntrySource, pins: readonly ChainHead[]) =>
    verifyChain(source, { domainId: B, fromSeq: 1, pins }, () => undefined, new AbortController().signal)

  it('diverges from a pin', async () => {
    const source = await mirrorSource(mirror.url)
    expect(await verify(source, [])).toMatchObject({ ok: true, rows: 15, head: headOf(rows[14]) })
    const pinned = await verify(source, [headOf(rows[24])])
    expect(pinned.findings).toMatchObject([{ code: 'unexpected_head', seqFrom: 25, seqTo: 25 }])
  })

  it('diverges from Postgres', async () => {
    const { store } = await mirrorSource(mirror.url)
    const both = await verify(new BothSource(postgresSnapshots(database), store, mirrorCodec, nodeHasher), [])
    expect(both).toMatchObject({ ok: false, rows: 25, unarchived: 0, head: headOf(rows[24]) })
    expect(both.findings).toMatchObject([
      { code: 'object_missing', seqFrom: 16, seqTo: 25, expected: rows[15]?.entryHash },
    ])
  })
})

/** Removes what shows the rows of a finding. */
function bare({ changes, rowsChanged, original, context, ...finding }: Finding): Finding {
  return finding
}

/** Removes what only a comparison of two copies adds: which copy a detail is about, and the count of unarchived rows. */
function plain(result: unknown): unknown {
  const { findings, unarchived, ...rest } = result as { findings: Finding[]; unarchived?: number }
  expect(unarchived ?? 0).toBe(0)
  return { ...rest, findings: findings.map(({ copy, ...finding }) => ({ ...finding, detail: '' })) }
}
