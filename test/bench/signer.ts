import { hash } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFile } from '../../src/base/files/create-file.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { inParallel } from '../../src/base/parallel/in-parallel.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import { ChainFold, type StoredRow } from '../../src/chain/fold.js'
import { Holes } from '../../src/chain/tree/holes.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { TreeGrower } from '../../src/signer/grow-tree.js'
import { logKeys } from '../../src/signer/log-keys.js'
import { headRows } from '../../src/signer/row-texts.js'
import { entryFor, Writer } from '../support/append-chains.js'
import { ArchiveFixture, NEVER } from '../support/archive-fixture.js'
import { chainRows } from '../support/chain-rows.js'
import { KEY_FILE, LOG_NAME, SigningArchiver } from '../support/signing-fixture.js'
import { audit, median, report } from './subject.js'

const WIDTH = 8

/** Measures what a signature costs beside reading the rows, and passes over many chains that grew by one row. */
export async function benchSigner(rows: number, chains: number): Promise<void> {
  benchTree(rows)
  await benchPass(chains)
}

/** The fold reads the same rows with and without the tree that grows by them. */
function benchTree(count: number): void {
  const domainId = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
  const rows: StoredRow[] = chainRows(domainId, Array(count).fill({})).map((row) => ({
    seq: row.seq,
    canonical: encodeCanonical(row),
    prevHash: row.prevHash,
    entryHash: row.entryHash,
  }))
  const seconds = { fold: [] as number[], grow: [] as number[], bare: [] as number[] }
  for (let round = 0; round < 5; round += 1) {
    const fold = new ChainFold({ fromSeq: 1, domainId, hasher: nodeHasher })
    const grower = new TreeGrower({ domainId, to: count, holes: new Holes(), hasher: nodeHasher })
    seconds.fold.push(timed(() => rows.forEach((row) => void fold.add(row))))
    seconds.grow.push(timed(() => rows.forEach((row) => void grower.add(row))))
    seconds.bare.push(timed(() => rows.forEach(twoHashes)))
  }
  const rate = count / (median(seconds.grow) - median(seconds.fold))
  const bare = count / median(seconds.bare)
  report(
    'signer, beside reading the rows',
    `${Math.round(rate)} rows/s`,
    `two SHA-256 ${Math.round(bare)} rows/s`,
    rate / bare,
    'at least 0.5',
  )
}

const LEAF = Buffer.alloc(33)
const NODE = Buffer.alloc(65)

function twoHashes(): void {
  hash('sha256', LEAF, 'buffer')
  hash('sha256', NODE, 'buffer')
}

function timed(run: () => void): number {
  const begun = performance.now()
  run()
  return (performance.now() - begun) / 1000
}

async function benchPass(count: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
  try {
    const { url } = await ensureEmbedded(home)
    await audit(home, ['domain', 'list'])
    await mkdir(join(home, 'mirror'), { recursive: true })
    const log = ArchiveFixture.at(url, home)
    await log.mark(log.mirrorUrl)
    const writer = new Writer(url)
    const signer = new SigningArchiver(log, {})
    const domains = await inParallel(Array(count).fill(0), WIDTH, never, () => writer.create())
    await signer.once()
    const ours: number[] = []
    const bare: number[] = []
    for (let round = 0; round < 3; round += 1) {
      await inParallel(domains, 500, never, (domainId) => writer.sink.record(entryFor(domainId)))
      await signer.archiver.once()
      bare.push(await bareLoop(signer, domains, join(home, `bare-${round}`), round))
      ours.push(await secondsOf(() => signer.pass({ mayBegin: true })))
    }
    report(
      `signer, ${count} chains that grew by a row`,
      `${median(ours).toFixed(2)} s`,
      `read, 2 synced creates ${median(bare).toFixed(2)} s`,
      median(ours) / median(bare),
      'at most 3',
    )
    const nothing = await secondsOf(() => signer.pass())
    report(
      `signer, ${count} chains, nothing to sign`,
      `${(nothing * 1000).toFixed(0)} ms`,
      'limit 50 ms',
      nothing / 0.05,
      'at most 1',
    )
    await writer.close()
    await signer.archiver.close()
  } finally {
    await stopEmbedded(home)
    await rm(home, { recursive: true, force: true })
  }
}

/** The least that a pass costs: for each chain a read of an object and two synced creates, and one row for 63 of them. */
async function bareLoop(
  { deps }: SigningArchiver,
  domains: readonly string[],
  folder: string,
  round: number,
): Promise<number> {
  const store = await deps.mirrorOf(domains[0] ?? '', NEVER)
  const content = Buffer.alloc(1024, round)
  const state = Buffer.alloc(512, round)
  await Promise.all(domains.map((domainId) => mkdir(join(folder, domainId), { recursive: true })))
  const seconds = await secondsOf(async () => {
    await inParallel(domains, WIDTH, never, async (domainId) => {
      await store.get(mirrorCodec.key(domainId, 1), 1024 * 1024, NEVER)
      await store.create(`bare-${round}/${domainId}/1`, content, NEVER)
      await createFile(join(folder, domainId, 'state'), state, 0o600)
    })
    const heads = domains.map((domainId) => ({
      domainId,
      incarnation: 1,
      size: 1_000_000 + round,
      root: '00'.repeat(32),
      entryHash: '00'.repeat(32),
      note: 'bare',
    }))
    const platform = logKeys(KEY_FILE, LOG_NAME).of({
      domainId: '706c6174-666f-726d-8000-000000000000',
      incarnation: 1,
    })
    await deps.store.append(headRows(heads, platform).map(({ row }) => ({ row, heads: [] })))
  })
  await rm(folder, { recursive: true })
  await rm(join(new URL(store.url).pathname, `bare-${round}`), { recursive: true, force: true })
  return seconds
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await run()
  return (performance.now() - begun) / 1000
}

const never = () => false
