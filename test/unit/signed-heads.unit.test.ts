import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { FastPath } from '../../src/chain/fast-path.js'
import { ChainFold } from '../../src/chain/fold.js'
import type { Hasher } from '../../src/chain/hash.js'
import type { HeadPlace, StatedHead, StatedHeads } from '../../src/ports/log/heads.js'
import type { EntrySource, Scan, ScanRequest, SourceName } from '../../src/ports/verify.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { chained, chainOf, DOMAIN, stored } from '../support/chain-builder.js'

const NEVER = new AbortController().signal
const ROWS = chainOf(10)
const FORGED = [
  ...ROWS.slice(0, 4),
  ...chained(
    ROWS.slice(4).map((row) => ({ ...row, relation: 'forged' })),
    ROWS[3]?.entryHash,
  ),
]
const X = 'f'.repeat(64)

/** A head of the intact chain, unless another hash is given. */
function head(
  size: number,
  {
    hash = ROWS[size - 1]?.entryHash ?? X,
    isKnown = true,
    place = { kind: 'row', seq: 100 + size } as HeadPlace,
  } = {},
): StatedHead {
  return {
    size,
    entryHash: hash,
    place,
    signer: () => (isKnown ? { by: 'policy', keyId: 'aaaaaaaa', logName: 'log' } : undefined),
  }
}

function stated(heads: readonly StatedHead[], more: readonly StatedHead[] = []): StatedHeads {
  return {
    heads,
    unknownKeys: () => new Map(),
    foreignRows: () => new Map(),
    signersOf: () => undefined,
    signedOver: () => undefined,
    ...(more.length > 0 && { between: async () => more }),
  } as StatedHeads
}

/** A source in memory, by the fold of the product. */
class MemorySource implements EntrySource {
  readonly keepsHead = false
  constructor(
    readonly rows: readonly ChainedEntry[],
    readonly name: SourceName = 'postgres',
    readonly patch: Partial<Scan> = {},
    readonly mirror: string | undefined = undefined,
    readonly copy: readonly ChainedEntry[] | undefined = undefined,
    readonly hasher: Hasher = nodeHasher,
  ) {}

  async scan(request: ScanRequest): Promise<Scan> {
    const fold = this.#fold(request, this.rows)
    const last = this.rows.at(-1)
    const mirrorHeads = this.copy && this.#fold(request, this.copy).heads
    return {
      known: true,
      last: last && { seq: last.seq, hashes: [last.entryHash] },
      fold,
      ...(mirrorHeads !== undefined && {
        mirrorHeads,
        end: Math.max(last?.seq ?? 0, this.copy?.at(-1)?.seq ?? 0),
      }),
      ...this.patch,
    }
  }

  #fold({ domainId, fromSeq, toSeq, pins, heads }: ScanRequest, rows: readonly ChainedEntry[]) {
    const options = { domainId, fromSeq, pins, heads, hasher: this.hasher }
    const fold = new FastPath(new ChainFold(options), options)
    for (const row of rows)
      if (row.seq >= fromSeq - 1 && row.seq <= (toSeq ?? row.seq)) fold.addStored(stored(row))
    return fold.finish()
  }
}

async function found(
  source: EntrySource,
  signed: StatedHeads,
  range: { fromSeq?: number; toSeq?: number } = {},
): Promise<string> {
  const request = { domainId: DOMAIN, fromSeq: 1, pins: [], signed, ...range }
  try {
    const { findings } = await verifyChain(source, request, () => undefined, NEVER)
    return findings.map(({ code, seqFrom, seqTo }) => `${code} ${seqFrom}-${seqTo}`).join(', ')
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

const memory = (rows: readonly ChainedEntry[], name?: SourceName, patch?: Partial<Scan>) =>
  new MemorySource(rows, name, patch)
const both = (rows: readonly ChainedEntry[], copy: readonly ChainedEntry[]) =>
  new MemorySource(rows, 'both', {}, 'file:///mirror', copy)
const cut = (rows: readonly ChainedEntry[], last: number) => rows.slice(0, last)
const KEPT: HeadPlace = { kind: 'kept', key: 'tlog/x' }
const FILE: HeadPlace = { kind: 'file', path: 'x' }
const RESTORING = { since: 0n, mirrorUrl: 'file:///m' }

describe('signed heads', () => {
  it.each<[string, EntrySource, readonly StatedHead[], string]>([
    ['hold', memory(ROWS), [head(3), head(10)], ''],
    [
      'of an unknown key say nothing',
      memory(ROWS),
      [head(3, { hash: X, isKnown: false }), head(20, { isKnown: false })],
      '',
    ],
    [
      'are contradicted by a rewritten suffix',
      memory(FORGED),
      [head(3), head(6), head(10)],
      'checkpoint_mismatch 4-6',
    ],
    ['are contradicted, whichever is the first', memory(FORGED), [head(10)], 'checkpoint_mismatch 1-10'],
    [
      'are contradicted after one that no known key signed',
      memory(FORGED),
      [head(4, { isKnown: false }), head(5, { isKnown: false }), head(6)],
      'checkpoint_mismatch 1-6',
    ],
    ['reach beyond the end', memory(cut(ROWS, 8)), [head(6), head(9), head(10)], 'checkpoint_rollback 9-10'],
    [
      'reach beyond the end of a rewritten chain',
      memory(cut(FORGED, 8)),
      [head(3), head(6), head(10)],
      'checkpoint_mismatch 4-6',
    ],
    ['are of rows that a gap hides', memory(ROWS.filter(({ seq }) => seq !== 6)), [head(6)], 'seq_gap 6-6'],
    [
      'are of a row whose hash was edited',
      memory(ROWS.map((row) => (row.seq === 6 ? { ...row, entryHash: X } : row))),
      [head(6), head(10)],
      'entry_hash_mismatch 6-6, broken_link 7-7',
    ],
    [
      'are of a duplicated row, and one has the hash',
      memory([...cut(ROWS, 6), FORGED[5] as ChainedEntry, ...ROWS.slice(6)]),
      [head(6), head(10)],
      'broken_link 6-6, duplicate_seq 6-6',
    ],
    [
      'are of a chain that is being restored',
      memory(cut(ROWS, 8), 'postgres', { restoring: RESTORING }),
      [head(10)],
      'restore_unfinished',
    ],
    [
      'are contradicted in a chain that is being restored',
      memory(FORGED, 'postgres', { restoring: RESTORING }),
      [head(10)],
      'checkpoint_mismatch 1-10',
    ],
    [
      'are beyond the end of a standby',
      memory(cut(ROWS, 8), 'postgres', { isStandby: true }),
      [head(10)],
      'standby_behind',
    ],
    ['are of a chain without rows', memory([]), [head(10)], 'chain_missing 1-1'],
    [
      'are beyond a break of the scan',
      memory(cut(ROWS, 8), 'postgres', { isCut: true, doubts: [new AuditError('database_unavailable', '')] }),
      [head(10)],
      'database_unavailable',
    ],
    [
      'lie in the copy that ends before them',
      memory(cut(ROWS, 8), 'mirror'),
      [head(10, { place: KEPT })],
      'copy_incomplete',
    ],
    [
      'lie in the rows of the copy that ends before them',
      memory(cut(ROWS, 8), 'mirror'),
      [head(10)],
      'copy_incomplete',
    ],
    [
      'are given for a copy that ends before them',
      memory(cut(ROWS, 8), 'mirror'),
      [head(10, { place: FILE })],
      'checkpoint_rollback 9-10',
    ],
    [
      'are given for a file that ends before them',
      memory(cut(ROWS, 8), 'bundle'),
      [head(10, { place: FILE })],
      'checkpoint_rollback 9-10',
    ],
    ['state two histories', memory(ROWS), [head(6, { hash: X }), head(10)], 'checkpoint_conflict 1-6'],
    [
      'state two histories of one size',
      memory(ROWS),
      [head(3), head(10, { hash: X }), head(10)],
      'checkpoint_conflict 4-10',
    ],
    [
      'state another history, and a link is broken',
      memory([...cut(FORGED, 6), ...ROWS.slice(6)]),
      [head(3), head(6), head(10)],
      'checkpoint_mismatch 4-6, broken_link 7-7',
    ],
    ['hold in both copies', both(ROWS, ROWS), [head(6)], ''],
    ['hold in both copies, and one ends before', both(cut(ROWS, 4), ROWS), [head(6)], ''],
    ['hold in PostgreSQL, and its mirror has no such row yet', both(ROWS, cut(ROWS, 4)), [head(6)], ''],
    [
      'are beyond the end of both copies',
      both(cut(ROWS, 8), cut(ROWS, 7)),
      [head(10)],
      'checkpoint_rollback 9-10',
    ],
    ['are contradicted by one copy', both(FORGED, ROWS), [head(3), head(6)], 'checkpoint_mismatch 4-6'],
    ['are contradicted by the other copy', both(ROWS, FORGED), [head(3), head(6)], 'checkpoint_mismatch 4-6'],
    ['are contradicted by both copies', both(FORGED, FORGED), [head(3), head(6)], 'checkpoint_mismatch 4-6'],
  ])('that %s', async (_what, source, heads, expected) => {
    expect(await found(source, stated(heads))).toBe(expected)
  })

  it.each<[string, { fromSeq?: number; toSeq?: number }, string]>([
    ['with the head before it', { fromSeq: 7 }, 'checkpoint_mismatch 6-6'],
    ['that ends before the difference', { toSeq: 4 }, ''],
    ['that ends within the difference', { toSeq: 8 }, 'checkpoint_mismatch 4-6'],
    ['that begins within the difference', { fromSeq: 9 }, 'checkpoint_mismatch 9-10'],
  ])('count in a segment %s', async (_what, range, expected) => {
    expect(await found(memory(FORGED), stated([head(3), head(6), head(10)]), range)).toBe(expected)
  })

  it('between those that were selected show where the difference begins', async () => {
    const more = [head(2), head(4), head(5), head(7)]
    expect(await found(memory(FORGED), stated([head(1), head(10)], more))).toBe('checkpoint_mismatch 5-5')
    expect(await found(memory(FORGED), stated([head(10)], [head(7, { isKnown: false })]))).toBe(
      'checkpoint_mismatch 1-10',
    )
  })

  it('name the copy that has the signed rows', async () => {
    const finding = async (source: EntrySource) => {
      const request = { domainId: DOMAIN, fromSeq: 1, pins: [], signed: stated([head(6)]) }
      return (await verifyChain(source, request, () => undefined, NEVER)).findings[0]
    }
    expect(await finding(both(FORGED, ROWS))).toMatchObject({ copy: 'postgres', original: 'mirror' })
    expect(await finding(both(ROWS, FORGED))).toMatchObject({ copy: 'mirror', original: 'postgres' })
    const neither = await finding(both(FORGED, FORGED))
    expect([neither?.copy, neither?.original]).toEqual(['both', undefined])
  })

  it('cost no hash, and one check of the newest signature', async () => {
    const count = async (heads: StatedHeads | undefined) => {
      let hashes = 0
      const counted = <K extends keyof Hasher>(name: K) =>
        ((...args: never[]) => {
          hashes += 1
          return (nodeHasher[name] as (...all: never[]) => never)(...args)
        }) as Hasher[K]
      const hasher: Hasher = {
        canonical: counted('canonical'),
        entry: counted('entry'),
        entryAt: counted('entryAt'),
        link: counted('link'),
      }
      const source = new MemorySource(ROWS, 'postgres', {}, undefined, undefined, hasher)
      const request = {
        domainId: DOMAIN,
        fromSeq: 1,
        pins: [],
        ...(heads !== undefined && { signed: heads }),
      }
      await verifyChain(source, request, () => undefined, NEVER)
      return hashes
    }
    const checked = new Set<number>()
    const heads = ROWS.map(({ seq }) => ({
      ...head(seq),
      signer: () => {
        checked.add(seq)
        return head(seq).signer()
      },
    }))
    expect(await count(stated(heads))).toBe(await count(undefined))
    expect(checked).toEqual(new Set([10]))
  })
})
