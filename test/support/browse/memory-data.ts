import { matches } from '../../../src/base/row-filter.js'
import type { ChainedEntry } from '../../../src/chain/entry.js'
import { nobleHasher, ZERO_HASH } from '../../../src/chain/hash.js'
import { reasonOrdinal } from '../../../src/chain/reason.js'
import type { BrowseData, ReadableCopy } from '../../../src/cli/browse/data.js'
import { LeftOut } from '../../../src/cli/browse/left-out.js'
import type { Chain } from '../../../src/cli/browse/model/state.js'
import { problemOf } from '../../../src/cli/browse/work.js'
import type { EntryReader, PageRange, ReadEntry } from '../../../src/ports/query.js'
import type { EntrySource } from '../../../src/ports/verify.js'
import { OneCopy } from '../../../src/verify/one-copy.js'
import { verifyChain } from '../../../src/verify/verify-chain.js'
import { stored } from '../chain-builder.js'

/** Rows of chains in memory: the pages are those that the ports promise, and verify is the real one. */
export interface MemoryOptions {
  readonly chains: readonly Chain[]
  /** By the name of a copy: its rows, ascending. */
  readonly copies: Readonly<Partial<Record<ReadableCopy['copy'], readonly ChainedEntry[]>>>
}

/** Returns a row as a reader gives it, with the row before. */
export function readEntry(row: ChainedEntry, before: ChainedEntry | undefined): ReadEntry {
  const { reason, ...rest } = row
  const previous = { seq: before?.seq ?? 0, entryHash: before?.entryHash ?? ZERO_HASH }
  return { ...rest, reason: reasonOrdinal(reason), generation: 1, previous }
}

export function memoryData({ chains, copies }: MemoryOptions): BrowseData {
  const [first, ...rest] = Object.entries(copies).map(([copy, rows]) => ({
    copy: copy as ReadableCopy['copy'],
    reader: async () => memoryReader(rows ?? []),
  }))
  if (first === undefined) throw new Error('a copy is missing')
  const rows = Object.values(copies)[0] ?? []
  return {
    source: rest.length > 0 ? 'both' : first.copy,
    place: 'file:///mirror',
    copies: [first, ...rest],
    chains: async () => ({ chains, doubts: [] }),
    leftOut: new LeftOut(),
    pseudonymOf: async () => 'a'.repeat(64),
    verify: async (domainId, progress, signal) => {
      const request = { domainId, fromSeq: 1, pins: [] }
      const verdict = await verifyChain(
        memorySource(rows.filter((row) => row.domainId === domainId)),
        request,
        progress,
        signal,
      )
      return { kind: 'verdict', verdict, doubts: verdict.doubts.map(problemOf) }
    },
  }
}

function memorySource(rows: readonly ChainedEntry[]): EntrySource {
  return {
    name: 'mirror',
    keepsHead: false,
    scan: async (request, progress, signal) => {
      const copy = new OneCopy(request, nobleHasher)
      for (const row of rows) {
        signal.throwIfAborted()
        copy.list(row.seq)
        copy.add({ kind: 'row', seq: row.seq, row: stored(row), etag: '' })
      }
      progress({ rows: rows.length, total: rows.length })
      return { known: rows.length > 0, ...copy.finish() }
    },
  }
}

function memoryReader(chain: readonly ChainedEntry[]): EntryReader {
  const all = chain.map((row, index) => readEntry(row, chain[index - 1]))
  return {
    page: async (domainId, filter, { after, upTo, limit, order }: PageRange) => {
      const isIn = ({ seq }: ReadEntry) => seq > after && seq <= (upTo ?? seq)
      const found = all.filter((row) => row.domainId === domainId && isIn(row) && matches(filter, row))
      return (order === 'descending' ? found.reverse() : found).slice(0, limit)
    },
    rowsAt: async (_domainId, seq) => all.filter((row) => row.seq === seq),
    countAhead: async () => ({ rows: 0, after: 0n }),
    timeOrder: async () => 'unverified',
    hasEventTimes: async () => false,
    knows: async (domainId) => all.some((row) => row.domainId === domainId),
  }
}
