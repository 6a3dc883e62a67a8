import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BackfillDeps } from '../../src/archive/backfill.js'
import type { ArchiverDeps } from '../../src/archive/drain-pass.js'
import { FindingLog } from '../../src/archive/finding-log.js'
import type { SourcedFinding } from '../../src/archive/findings.js'
import { Mirrors } from '../../src/archive/mirrors.js'
import { archiveOnce, type ChainDrained } from '../../src/archive/once.js'
import type { PlacesDeps } from '../../src/archive/places.js'
import type { RecheckDeps, Uncompared } from '../../src/archive/stamps/recheck.js'
import { MirrorLocations, type MirrorMap, noMirrorGiven } from '../../src/base/mirror-locations.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { HeldChains } from '../../src/marker/held-chains.js'
import { MirrorGuard } from '../../src/marker/mirror-guard.js'
import { makeRoot } from '../../src/mirror/make-root.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { mirrorMarkers } from '../../src/mirror/object/marker.js'
import { openMirror } from '../../src/mirror/open.js'
import { OpenMirrors } from '../../src/mirror/open-mirrors.js'
import type { ArchiveQueue } from '../../src/ports/archive.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { postgresArchiveLedger } from '../../src/repo/archive/archive-ledger.js'
import { postgresArchiveQueue } from '../../src/repo/archive/archive-queue.js'
import { postgresMarkerRegistry } from '../../src/repo/archive/mirror-marker.js'
import { postgresQuarantine } from '../../src/repo/quarantine/quarantine.js'
import { Database } from '../../src/repo/session/database.js'
import { postgresSnapshots } from '../../src/repo/verify/postgres-snapshot.js'
import { insertDomain } from './chain-rows.js'
import { asSuperuser, rowsOf, type TestDatabase, testDatabase } from './postgres.js'

export const NEVER: AbortSignal = new AbortController().signal

/** A database and a directory, with archivers on both. */
export class ArchiveFixture {
  readonly #archivers: Archiver[] = []

  private constructor(
    readonly database: TestDatabase,
    readonly dir: string,
  ) {}

  /** The mirror has its marker, unless `marked` is false. */
  static async make({ marked = true } = {}): Promise<ArchiveFixture> {
    const dir = await mkdtemp(join(tmpdir(), 'archive-'))
    // A missing directory cannot be listed, because it may be an unmounted one.
    await mkdir(join(dir, 'mirror'))
    const fixture = new ArchiveFixture(await testDatabase(), dir)
    if (marked) await fixture.mark(fixture.mirrorUrl)
    return fixture
  }

  /** Returns the fixture of another process, which made it and drops it. */
  static at(url: string, dir: string): ArchiveFixture {
    return new ArchiveFixture({ url, superuserUrl: url, drop: async () => undefined }, dir)
  }

  get url(): string {
    return this.database.url
  }

  get mirrorUrl(): string {
    return pathToFileURL(join(this.dir, 'mirror')).href
  }

  /** Creates a registered Domain with this many rows. */
  async chain(rows: number, mirrorUrl?: string): Promise<ChainedEntry[]> {
    const domainId = randomUUID()
    const inserted = await insertDomain(this.url, domainId, Array(rows).fill({}))
    if (mirrorUrl !== undefined) {
      await asSuperuser(
        this.url,
        `UPDATE audit_domain SET mirror_url = '${mirrorUrl}' WHERE domain_id = '${domainId}'`,
      )
    }
    return inserted
  }

  /** Begins a mirror, as --init-mirror does. */
  async mark(url: string): Promise<void> {
    const database = new Database(this.url)
    const guard = guardOn(database, true)
    await guard.assertOurs({ url, store: await openMirror(url), serves: () => false, given: {} }, NEVER)
    await database.close()
  }

  archiver(options: ArchiverOptions = {}): Archiver {
    const archiver = new Archiver(this, options)
    this.#archivers.push(archiver)
    return archiver
  }

  async unstamped(domainId: string): Promise<number[]> {
    const sql = `SELECT seq::int FROM audit_log_entry e WHERE domain_id = $1 AND NOT EXISTS (
      SELECT FROM audit_archive_stamp s WHERE s.domain_id = e.domain_id AND s.seq = e.seq) ORDER BY seq`
    return (await rowsOf(this.url, sql, [domainId])).map(({ seq }) => Number(seq))
  }

  /** Returns the stamps, for a comparison with earlier ones. */
  stamps(domainId: string) {
    const sql = `SELECT seq::int, s.archived_at, s.archive_etag
      FROM audit_log_entry LEFT JOIN audit_archive_stamp s USING (domain_id, seq) WHERE domain_id = $1 ORDER BY seq`
    return rowsOf(this.url, sql, [domainId])
  }

  quarantine() {
    const sql = 'SELECT code, source, seq_from::int, seq_to::int FROM audit_tamper_quarantine ORDER BY id'
    return rowsOf(this.url, sql)
  }

  pathOf(domainId: string, seq: number, mirrorUrl = this.mirrorUrl): string {
    return join(new URL(mirrorUrl).pathname, mirrorCodec.key(domainId, seq))
  }

  async putObject(domainId: string, seq: number, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(domainId, seq)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, bytes)
  }

  /** Returns the names of the objects of a chain. */
  async objects(domainId: string, mirrorUrl = this.mirrorUrl): Promise<string[]> {
    return (await readdir(join(this.pathOf(domainId, 1, mirrorUrl), '..')).catch(() => [])).sort()
  }

  /**
   * Checks that every row, except those left out, has an object with the row's encoding and a stamp with its md5, and that
   * the rows left out have neither. Resolves with the deviations.
   */
  async problems(rows: readonly ChainedEntry[], leftOut: readonly number[] = []): Promise<string[]> {
    const [first] = rows
    if (first === undefined) return []
    const stamps = new Map((await this.stamps(first.domainId)).map((row) => [row.seq, row.archive_etag]))
    const problems: string[] = []
    for (const row of rows) {
      const etag = stamps.get(row.seq)
      if (leftOut.includes(row.seq)) {
        if (etag !== null && etag !== undefined) problems.push(`row ${row.seq} is stamped`)
        continue
      }
      const bytes = await readFile(this.pathOf(row.domainId, row.seq)).catch(() => undefined)
      if (bytes === undefined) problems.push(`row ${row.seq} has no object`)
      else if (etag !== md5(bytes)) problems.push(`row ${row.seq}: etag ${etag}, file ${md5(bytes)}`)
      else if (!Buffer.from(await mirrorCodec.encode(row)).equals(bytes))
        problems.push(`row ${row.seq}: bytes`)
    }
    return problems
  }

  async drop(): Promise<void> {
    for (const archiver of this.#archivers) await archiver.close()
    await this.database.drop()
    await rm(this.dir, { recursive: true, force: true })
  }
}

export interface ArchiverOptions {
  readonly map?: MirrorMap
  readonly concurrency?: number
  /** Options that are added to the URL of the database. */
  readonly databaseOptions?: string
  readonly store?: (store: MirrorStore) => MirrorStore
  readonly queue?: (queue: ArchiveQueue) => ArchiveQueue
}

/** One archiver, with its own connections and stores. */
export class Archiver {
  readonly found: (SourcedFinding & { domainId: string })[] = []
  readonly uncompared: Uncompared[] = []
  /** Keys in the order in which objects were created. */
  readonly created: string[] = []
  /** The keys of all create calls. */
  readonly asked: string[] = []
  readonly database: Database
  readonly deps: ArchiverDeps &
    Pick<BackfillDeps, 'hasBegun'> &
    Pick<RecheckDeps, 'ledger' | 'onUncompared'> &
    Pick<PlacesDeps, 'chains'>
  readonly #queue: ArchiveQueue
  readonly #mirrors: OpenMirrors

  constructor(fixture: ArchiveFixture, options: ArchiverOptions) {
    const { concurrency = 8, databaseOptions, store = same, queue = same, map } = options
    const suffix = databaseOptions === undefined ? '' : `&options=${encodeURIComponent(databaseOptions)}`
    this.database = new Database(`${fixture.url}${suffix}`)
    this.#queue = postgresArchiveQueue(this.database)
    this.#mirrors = new OpenMirrors(async (url) => this.#watched(store(await openMirror(url))))
    const guard = guardOn(this.database, false)
    const registry = postgresMarkerRegistry(this.database)
    const held = new HeldChains({ registry, codec: mirrorCodec })
    const log = new FindingLog({
      quarantine: postgresQuarantine(this.database),
      report: (domainId, found) => this.found.push({ domainId, ...found }),
      notPermitted: () => undefined,
    })
    this.deps = {
      queue: queue(this.#queue),
      ledger: postgresArchiveLedger(this.database),
      codec: mirrorCodec,
      hasher: nodeHasher,
      mirrors: new Mirrors({
        open: (url) => this.#mirrors.at(url),
        locations: new MirrorLocations({ defaultUrl: fixture.mirrorUrl, map }),
        otherwise: async ({ domainId }) => {
          throw noMirrorGiven(domainId)
        },
        concurrency,
      }),
      assertOurs: ({ url, store: place }, signal) =>
        guard.assertOurs({ url, store: place, serves: () => true, given: {} }, signal),
      assertHeld: (domainId, mirror, signal) => held.assertHeld(domainId, { ...mirror, given: {} }, signal),
      hasBegun: () => false,
      chains: registry.chains,
      onFindings: (domainId, findings) => log.add(domainId, findings),
      onStamped: () => undefined,
      onUncompared: (one) => this.uncompared.push(one),
    }
  }

  get ledger() {
    return this.deps.ledger
  }

  get snapshots() {
    return postgresSnapshots(this.database)
  }

  once(stop: AbortSignal = NEVER, deps: Partial<ArchiverDeps> = {}): Promise<ChainDrained[]> {
    return archiveOnce({ ...this.deps, recheck: this.deps, ...deps }, stop)
  }

  async close(): Promise<void> {
    await this.#mirrors.close()
    await this.#queue.close()
    await this.database.close()
  }

  #watched(store: MirrorStore): MirrorStore {
    return {
      url: store.url,
      list: (prefix, signal) => store.list(prefix, signal),
      get: (key, maxBytes, signal) => store.get(key, maxBytes, signal),
      create: async (key, bytes, signal, options) => {
        this.asked.push(key)
        const result = await store.create(key, bytes, signal, options)
        if (result.created) this.created.push(key)
        return result
      },
      syncNames: (folder, signal) => store.syncNames(folder, signal),
      close: () => store.close(),
    }
  }
}

function guardOn(database: Database, init: boolean): MirrorGuard {
  const registry = postgresMarkerRegistry(database)
  const deps = {
    registry,
    markers: mirrorMarkers,
    codec: mirrorCodec,
    makeRoot,
    report: { unreadable: () => undefined, unwritable: () => undefined, marked: () => undefined },
  }
  return new MirrorGuard(deps, { init: init ? 'begin' : undefined, isHome: false })
}

export function md5(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** Returns the sums over all chains of a pass. */
export function totals(chains: readonly ChainDrained[]) {
  const sum = (of: 'stamped' | 'held' | 'failed') =>
    chains.reduce((total, { drained }) => total + drained[of], 0)
  return { stamped: sum('stamped'), held: sum('held'), failed: sum('failed') }
}

function same<T>(value: T): T {
  return value
}
