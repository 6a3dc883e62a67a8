import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { vi } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { REASONS } from '../../src/chain/reason.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { chainRows, insertRows, type RowOptions } from './chain-rows.js'
import { Exports } from './exports.js'
import { S3Site } from './mirror-attacks/s3-site.js'
import { asSuperuser, type TestDatabase, testDatabase } from './postgres.js'

export const CHAIN = '018f0000-0000-7000-8000-00000000c0de'
export const LENGTH = 150
export const ALICE = 'a1'.repeat(32)

/** The seqs that were tampered with: one edited, one edited and hashed again, and a gap of three. */
export const TAMPERED = { edited: 20, rehashed: 40, removed: [60, 61, 62] } as const

/** What each row is, except `ok`. */
export const CHECKS: Readonly<Record<number, 'damaged' | 'unlinked'>> = {
  20: 'damaged',
  41: 'unlinked',
  63: 'unlinked',
}

function optionsOf(seq: number): RowOptions {
  if (seq === 1) return { relation: 'audit.chain-create', object: `domain:${CHAIN}` }
  return {
    subjectPseudonym: seq % 3 === 0 ? ALICE : 'b0'.repeat(32),
    relation: seq % 2 === 0 ? 'project.read' : 'project.write',
    object: `${seq % 5 === 0 ? 'secret' : 'project'}:a:${seq % 7}`,
    reason: REASONS[seq % 4] ?? 'granted',
    relationPath: seq % 11 === 0 ? ['group:x', 'org:\u202ey'] : [],
    caveatContext: seq % 4 === 3 ? ['ip.cidr'] : [],
    correlationId: seq % 6 === 0 ? `c-${seq}` : '',
    zedtoken: seq % 13 === 0 ? 'zed' : '',
  }
}

/** Returns the rows of the chain, tampered with. */
export function tamperedRows(): ChainedEntry[] {
  const rows = chainRows(
    CHAIN,
    Array.from({ length: LENGTH }, (_, index) => optionsOf(index + 1)),
  )
  return rows.flatMap((row) => {
    if (row.seq === TAMPERED.edited) return { ...row, relation: 'project.forged' }
    if (row.seq === TAMPERED.rehashed) return rehashed({ ...row, relation: 'project.forged' })
    return TAMPERED.removed.includes(row.seq as 60) ? [] : row
  })
}

function rehashed(row: ChainedEntry): ChainedEntry {
  return { ...row, entryHash: nobleHasher.link(row.prevHash, nobleHasher.canonical(encodeCanonical(row))) }
}

/** One chain in PostgreSQL, in a directory, in a bucket and in a bundle. */
export class ReadCopies {
  readonly #dir = mkdtempSync(join(tmpdir(), 'read-copies-'))
  readonly #exports = new Exports()
  readonly #stores: MirrorStore[] = []

  private constructor(
    readonly database: TestDatabase,
    readonly site: S3Site,
    readonly rows: readonly ChainedEntry[],
  ) {}

  static async make(rows = tamperedRows()): Promise<ReadCopies> {
    const copies = new ReadCopies(await testDatabase(), await S3Site.start(), rows)
    for (const [name, value] of Object.entries(copies.site.env)) vi.stubEnv(name, value)
    await asSuperuser(copies.database.url, `INSERT INTO audit_domain (domain_id) VALUES ('${CHAIN}')`)
    await insertRows(copies.database.url, rows)
    for (const url of [copies.directoryUrl, copies.bucketUrl]) await copies.#fill(url)
    return copies
  }

  get directoryUrl(): string {
    return pathToFileURL(this.#dir).href
  }

  get bucketUrl(): string {
    return this.site.url('copy')
  }

  async store(url: string): Promise<MirrorStore> {
    const store = await openMirror(url)
    this.#stores.push(store)
    return store
  }

  /** Returns the path of a new bundle of the whole chain, or of the rows from `fromSeq` on. */
  async bundle(fromSeq?: number): Promise<string> {
    const range = fromSeq === undefined ? {} : { fromSeq }
    return (await this.#exports.write(this.database.url, { domainId: CHAIN, ...range })).path
  }

  async drop(): Promise<void> {
    for (const store of this.#stores) store.close()
    vi.unstubAllEnvs()
    await this.site.stop()
    await this.database.drop()
    this.#exports.remove()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #fill(url: string): Promise<void> {
    const store = await this.store(url)
    const { signal } = new AbortController()
    const put = async (row: ChainedEntry) =>
      store.create(mirrorCodec.key(CHAIN, row.seq), await mirrorCodec.encode(row), signal)
    await Promise.all(this.rows.map(put))
  }
}
