import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { matches, type RowReason } from '../../src/base/row-filter.js'
import { REASONS } from '../../src/chain/reason.js'
import { type CheckedAuditEntry, checkedAuditEntry, checkedEntryProof } from '../../src/json/checked-entry.js'
import type { EntryFilter, EntryReader, ReadEntry, SeqRange } from '../../src/ports/query.js'
import { getEntry } from '../../src/query/get.js'
import { listEntries, streamEntries } from '../../src/query/list.js'
import { offlineCursorKey } from '../../src/query/offline-cursor.js'
import { RowJudge } from '../../src/query/row-judge.js'
import { T0 } from './chain-rows.js'
import { ALICE, CHAIN, CHECKS, LENGTH, TAMPERED } from './read-copies.js'

const optional = <T>(...values: readonly T[]) =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })
const ALL_REASONS: readonly RowReason[] = [...REASONS, 'unknown']
const at = (seq: number) => T0 + BigInt(seq) * 1_000_000n

const filters: fc.Arbitrary<EntryFilter> = fc.record({
  subjectPseudonym: optional(ALICE),
  relation: optional('project.read', 'project.forged', 'nothing'),
  objectType: optional('secret'),
  objectId: optional('a:3'),
  reasons: fc.option(fc.subarray([...ALL_REASONS]), { nil: undefined, freq: 1 }),
  correlationId: optional('c-6', ''),
  from: optional(at(15), at(61)),
  to: optional(at(70), at(62)),
})

const ranges: fc.Arbitrary<SeqRange> = fc.record({
  after: fc.constantFrom(0, 1, 19, 20, 59, 60, 62, 149, 150, 151),
  upTo: optional(1, 20, 41, 61, 62, 63, 150, 151, 9_000),
  order: optional('ascending' as const, 'descending' as const),
})

/** Returns rows as the command line prints them, without what PostgreSQL alone holds. */
function printed(rows: readonly ReadEntry[]): CheckedAuditEntry[] {
  const judge = new RowJudge(nodeHasher)
  return rows.map((row) => {
    const { archived_at: _at, archive_etag: _etag, ...entry } = checkedAuditEntry(judge.judge(row))
    return entry
  })
}

async function streamed(reader: EntryReader, filter: EntryFilter, range: SeqRange): Promise<ReadEntry[]> {
  const rows: ReadEntry[] = []
  for await (const row of streamEntries(reader, CHAIN, filter, range)) rows.push(row)
  return rows
}

async function paged(
  reader: EntryReader,
  filter: EntryFilter,
  range: SeqRange,
  limit: number,
): Promise<ReadEntry[]> {
  const rows: ReadEntry[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await listEntries(reader, offlineCursorKey, {
      domainId: CHAIN,
      filter,
      range,
      limit,
      cursor,
    })
    rows.push(...page.entries)
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    cursor = page.nextCursor
    if (cursor === undefined) return rows
  }
}

/** What every EntryReader must do with the chain of read-copies.ts. `reference` gives the same rows from PostgreSQL. */
export function entryReaderContract(
  title: string,
  open: () => Promise<EntryReader>,
  reference: () => EntryReader,
): void {
  describe(title, () => {
    it('gives the rows, their checks and their order as PostgreSQL does, paged and at once', async () => {
      const reader = await open()
      const all = await streamed(reference(), {}, { after: 0 })
      await fc.assert(
        fc.asyncProperty(filters, ranges, fc.integer({ min: 1, max: 40 }), async (filter, range, limit) => {
          const { after, upTo = LENGTH, order } = range
          const wanted = all.filter((row) => row.seq > after && row.seq <= upTo && matches(filter, row))
          const expected = printed(order === 'descending' ? wanted.reverse() : wanted)
          expect(printed(await streamed(reader, filter, range))).toEqual(expected)
          expect(printed(await paged(reader, filter, range, limit))).toEqual(expected)
        }),
        { numRuns: 40 },
      )
    }, 120_000)

    it('says which rows are damaged and unlinked', async () => {
      const rows = printed(await streamed(await open(), {}, { after: 0 }))
      const removed: readonly number[] = TAMPERED.removed
      const seqs = Array.from({ length: LENGTH }, (_, i) => i + 1).filter((seq) => !removed.includes(seq))
      expect(rows.map(({ seq, check }) => [seq, check])).toEqual(
        seqs.map((seq) => [seq, CHECKS[seq] ?? 'ok']),
      )
    })

    it.each([1, 2, 20, 40, 41, 59, 63, 150])(
      'gives row %i with its proof as PostgreSQL does',
      async (seq) => {
        const proof = async (reader: EntryReader) => {
          const proven = await getEntry(reader, CHAIN, seq)
          return { ...checkedEntryProof(proven, { context: false }), entry: printed([proven.entry])[0] }
        }
        expect(await proof(await open())).toEqual(await proof(reference()))
      },
    )

    it.each([60, 61, 62, 151, 9_000_000])('has no row %i', async (seq) => {
      await expect(getEntry(await open(), CHAIN, seq)).rejects.toMatchObject({ code: 'entry_not_found' })
    })

    it('has no other chain', async () => {
      const other = '018f0000-0000-7000-8000-00000000000f'
      const reader = await open()
      await expect(getEntry(reader, other, 1)).rejects.toMatchObject({ code: 'domain_not_found' })
      const request = { domainId: other, filter: {}, limit: 5 }
      await expect(listEntries(reader, offlineCursorKey, request)).rejects.toMatchObject({
        code: 'domain_not_found',
      })
    })
  })
}
