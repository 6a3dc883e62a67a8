import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { DirectoryMirror } from '../../src/mirror/directory/directory.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { mirrorNames } from '../../src/query/mirror-names.js'
import { chained, entryAt, rehashed } from '../support/chain-builder.js'

const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const B = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
const never = new AbortController().signal

const row = (seq: number, relation: string, domainId: string, name?: string) =>
  entryAt(seq, {
    domainId: PLATFORM_ANCHOR,
    relation,
    object: `domain:${domainId}`,
    relationPath: name === undefined ? [] : [`name:${name}`],
  })
const create = (seq: number, domainId: string, name?: string) =>
  row(seq, 'audit.chain-create', domainId, name)
const rename = (seq: number, domainId: string, name: string) => row(seq, 'audit.domain-name', domainId, name)

/** Row 1 creates the platform chain, 2 creates A, 3 creates B, 4 says nothing about names, 5 renames A. */
const CHAIN = chained([
  row(1, 'audit.chain-create', PLATFORM_ANCHOR),
  create(2, A, 'acme'),
  create(3, B, 'beta'),
  row(4, 'audit.key-create', A, 'no name'),
  rename(5, A, 'fresh'),
])
const at = (seq: number) => CHAIN[seq - 1] as ChainedEntry

let dir: string
let store: DirectoryMirror
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mirror-names-'))
  store = new DirectoryMirror(dir)
})
afterEach(() => rm(dir, { recursive: true }))

async function write(rows: readonly ChainedEntry[]): Promise<void> {
  for (const entry of rows)
    await store.create(mirrorCodec.key(entry.domainId, entry.seq), await mirrorCodec.encode(entry), never)
}

const read = (maxSeq?: number) =>
  mirrorNames({ store, codec: mirrorCodec, hasher: nodeHasher }, never, maxSeq)

/** Returns the names by Domain, with what a doubt says after "then". */
async function namesRead(): Promise<Record<string, readonly (string | undefined)[]>> {
  const domains = (await read()) ?? []
  const entries = domains.map(({ domainId, names, doubt }) => {
    const end = doubt === undefined ? [] : [`${doubt.code}: ${doubt.message.split('of that chain: ')[1]}`]
    return [domainId === A ? 'A' : 'B', [...names, ...end]]
  })
  return Object.fromEntries(entries)
}

/** A row with another name, whose hash is as it was. */
const edited = (seq: number, name: string) => ({ ...at(seq), relationPath: [`name:${name}`] })
const without = (seq: number) => CHAIN.filter((entry) => entry.seq !== seq)
const withRow = (entry: ChainedEntry) => CHAIN.map((one) => (one.seq === entry.seq ? entry : one))

describe('the names that a platform chain in a mirror gives', () => {
  it.each<[string, readonly ChainedEntry[], Awaited<ReturnType<typeof namesRead>>]>([
    ['are the newest of an intact chain', CHAIN, { A: ['fresh'], B: ['beta'] }],
    [
      'have a doubt from the first row on that does not recompute',
      withRow(edited(2, 'forged')),
      {
        A: ['forged', 'fresh', 'chain_conflict: row 1 recomputed and linked, then row 2 does not recompute'],
        B: ['beta', 'chain_conflict: row 1 recomputed and linked, then row 2 does not recompute'],
      },
    ],
    [
      'have a doubt from the first row on that is rehashed and so breaks the next link',
      withRow(rehashed(edited(2, 'forged'))),
      {
        A: [
          'forged',
          'fresh',
          'chain_conflict: rows 1 to 2 recomputed and linked, then row 3 is not linked to the row before it',
        ],
        B: [
          'beta',
          'chain_conflict: rows 1 to 2 recomputed and linked, then row 3 is not linked to the row before it',
        ],
      },
    ],
    [
      'have a doubt after a gap before the creating row',
      without(2),
      {
        A: ['fresh', 'chain_conflict: row 1 recomputed and linked, then row 2 is missing'],
        B: ['beta', 'chain_conflict: row 1 recomputed and linked, then row 2 is missing'],
      },
    ],
    [
      'have a doubt for a Domain alone that a row after a gap renames',
      without(4),
      {
        A: ['acme', 'fresh', 'chain_conflict: rows 1 to 3 recomputed and linked, then row 4 is missing'],
        B: ['beta'],
      },
    ],
    [
      'have a doubt where the first row is missing',
      without(1),
      {
        A: ['acme', 'fresh', 'chain_conflict: no row of it recomputed and linked, then row 1 is missing'],
        B: ['beta', 'chain_conflict: no row of it recomputed and linked, then row 1 is missing'],
      },
    ],
    [
      'have a doubt where a forged row that recomputes is appended without a link',
      [...CHAIN, ...chained([rename(6, B, 'forged')])],
      {
        A: ['fresh'],
        B: [
          'beta',
          'forged',
          'chain_conflict: rows 1 to 5 recomputed and linked, then row 6 is not linked to the row before it',
        ],
      },
    ],
    [
      'keep a name that a row after a gap repeats',
      [...CHAIN, ...chained([rename(7, B, 'beta')])],
      { A: ['fresh'], B: ['beta'] },
    ],
  ])('%s', async (_title, rows, names) => {
    await write(rows)
    expect(await namesRead()).toEqual(names)
  })

  it('say in the doubt which row names the Domain, in which mirror, and what to run', async () => {
    await write(without(2))
    const [doubt] = ((await read()) ?? []).flatMap((domain) => domain.doubt ?? [])
    expect(doubt?.message).toContain(`row 3 of the platform chain in ${store.url} names Domain ${B}`)
    expect(doubt?.advice).toEqual({ code: 'verify_mirror', domainId: PLATFORM_ANCHOR })
  })

  it('are read up to a limit of rows, and not at all beyond it', async () => {
    await write(CHAIN)
    expect([(await read(5))?.length, await read(4)]).toEqual([2, undefined])
  })
})
