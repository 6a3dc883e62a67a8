import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { BundleReader } from '../../src/bundle/read/bundle-reader.js'
import { verifyBundle } from '../../src/bundle/verify-bundle.js'
import type { ChainHead } from '../../src/chain/entry.js'
import type { ContextRow } from '../../src/chain/evidence/finding-evidence.js'
import type { Finding } from '../../src/chain/finding.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { EntryReader } from '../../src/ports/query.js'
import type { EntrySource } from '../../src/ports/verify.js'
import { streamEntries } from '../../src/query/list.js'
import { MirrorReader } from '../../src/query/mirror-reader.js'
import { RowJudge } from '../../src/query/row-judge.js'
import { postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { asSuperuser } from '../support/postgres.js'
import { CHAIN, LENGTH, ReadCopies } from '../support/read-copies.js'

const { signal } = new AbortController()
const nothing = () => undefined
let copies: ReadCopies
let database: Database

beforeAll(async () => {
  copies = await ReadCopies.make()
  database = new Database(copies.database.url)
}, 120_000)

afterAll(async () => {
  await database.close()
  await copies.drop()
})

type Verify = (pins: readonly ChainHead[]) => Promise<readonly Finding[]>

async function findingsOf(source: EntrySource, pins: readonly ChainHead[]): Promise<readonly Finding[]> {
  return (await verifyChain(source, { domainId: CHAIN, fromSeq: 1, pins }, nothing, signal)).findings
}

const mirrorSource = async (url: string) =>
  new MirrorSource(await copies.store(url), mirrorCodec, nodeHasher, { patience: 0 })

async function ofBundle(pins: readonly ChainHead[]): Promise<readonly Finding[]> {
  const request = { path: await copies.bundle(), pinsOf: () => pins, allowFiltered: false }
  return (await verifyBundle(request, nodeHasher, nothing, signal)).findings
}

const readMirror = async (url: string) =>
  new MirrorReader({ store: await copies.store(url), codec: mirrorCodec, signal, patience: 0 })

/** The copy that a row is from, how each copy is verified, and how it is listed. */
const COPIES: readonly (readonly [string, ContextRow['copy'], Verify, () => Promise<EntryReader>])[] = [
  [
    'PostgreSQL',
    'postgres',
    (pins) => findingsOf(new PostgresSource(database), pins),
    async () => postgresKeyReader(database),
  ],
  [
    'a directory',
    'mirror',
    async (pins) => findingsOf(await mirrorSource(copies.directoryUrl), pins),
    () => readMirror(copies.directoryUrl),
  ],
  [
    'a bucket',
    'mirror',
    async (pins) => findingsOf(await mirrorSource(copies.bucketUrl), pins),
    () => readMirror(copies.bucketUrl),
  ],
  ['a bundle', undefined, ofBundle, async () => BundleReader.open(await copies.bundle(), nothing)],
]

const shown = ({ code, seqFrom, context = [] }: Finding) => [
  `${code} ${seqFrom}`,
  context.map(({ seq, check }) => `${seq} ${check}`).join(', '),
]

describe.each(COPIES)('%s', (_name, copy, verify, open) => {
  it('shows the rows around each finding, with what recomputing them shows', async () => {
    const pins = [{ seq: 100, hash: 'ee'.repeat(32) }]
    const findings = await verify(pins)
    expect(findings.map(shown)).toEqual([
      ['entry_hash_mismatch 20', '18 ok, 19 ok, 20 damaged, 21 ok, 22 ok'],
      ['broken_link 41', '39 ok, 40 ok, 41 unlinked, 42 ok, 43 ok'],
      ['seq_gap 60', '58 ok, 59 ok, 63 unlinked, 64 ok'],
      ['unexpected_head 100', '98 ok, 99 ok, 100 ok, 101 ok, 102 ok'],
    ])
    const rows = findings.flatMap(({ context = [] }) => context)
    expect(new Set(rows.map((row) => row.copy))).toEqual(new Set([copy]))
    for (const { changes, rowsChanged, original } of findings)
      expect([changes, rowsChanged, original]).toEqual([undefined, undefined, undefined])
    const fields = rows.find(({ seq }) => seq === 20)?.fields
    expect(fields).toMatchObject({ seq: 20, relation: 'project.forged', object: 'secret:a:6' })
  })

  it('shows the last rows where a pin says that rows are missing at the end', async () => {
    const findings = await verify([{ seq: LENGTH + 1, hash: 'ee'.repeat(32) }])
    const pinned = findings.find(({ code }) => code === 'unexpected_head')
    expect(pinned?.context?.map(({ seq }) => seq)).toEqual([LENGTH - 1, LENGTH])
  })

  it('gives a row the check that a list of the copy gives it', async () => {
    const judge = new RowJudge(nodeHasher)
    const listed = new Map<number, string | undefined>()
    const reader = await open()
    for await (const row of streamEntries(reader, CHAIN, {})) listed.set(row.seq, judge.judge(row).check)
    const rows = (await verify([])).flatMap(({ context = [] }) => context)
    expect(rows.map(({ seq, check }) => [seq, check])).toEqual(rows.map(({ seq }) => [seq, listed.get(seq)]))
    expect(rows.map(({ check }) => check)).toContain('unlinked')
  })
})

describe('a head after the last row', () => {
  beforeAll(() => asSuperuser(copies.database.url, 'UPDATE audit_log_chain_head SET next_seq = next_seq + 5'))

  it.each(COPIES.filter(([, copy]) => copy !== 'mirror'))(
    'is shown with the last rows of %s',
    async (_name, _copy, verify) => {
      const found = (await verify([])).find(({ code }) => code === 'head_mismatch')
      expect(found).toMatchObject({ seqFrom: LENGTH + 1, seqTo: LENGTH + 5 })
      expect(found?.context?.map(({ seq, check }) => [seq, check])).toEqual([
        [LENGTH - 1, 'ok'],
        [LENGTH, 'ok'],
      ])
    },
  )
})
