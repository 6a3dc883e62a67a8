import { mkdir } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Mirrors } from '../archiver/mirrors.js'
import { AuditError } from '../errors.js'
import type {
  ArchiveLedger,
  ArchiveQueue,
  CursorKey,
  DomainRegistry,
  EntryReader,
  EntrySource,
  KnownChains,
  MirrorCodec,
  MirrorStore,
  Pepper,
  QuarantineStore,
  RestoreTarget,
  SnapshotSource,
  SourceName,
} from '../ports.js'
import type { Database } from '../repo/database.js'
import type { Chains } from '../sink/residency.js'
import type { Sink } from '../sink/sink.js'
import { interruption } from './interruption.js'
import { note } from './streams.js'

/** The flags that say where things are; the same for every command. */
export interface ContextFlags {
  readonly 'database-url'?: string | undefined
  readonly home?: string | undefined
  readonly pepper?: string | undefined
  readonly actor?: string | undefined
  readonly mirror?: string | undefined
}

/** What the archive commands work with. */
export interface Archive {
  readonly queue: ArchiveQueue
  readonly ledger: ArchiveLedger
  readonly snapshots: SnapshotSource
  readonly mirrors: Mirrors
  readonly codec: MirrorCodec
  readonly quarantine: QuarantineStore
}

/**
 * The one composition root: it alone knows the features and the adapters that serve them. Everything opens on first
 * use and loads on first use, because most commands need little of it.
 */
export class Context {
  readonly #flags: ContextFlags
  #database: Promise<Database> | undefined
  readonly #closing: (() => Promise<void>)[] = []
  readonly #mirrors = new Map<string, Promise<MirrorStore>>()

  readonly #notice: (line: string) => void

  /** `notice` gets a line when a server is started. */
  constructor(flags: ContextFlags, notice: (line: string) => void = note) {
    this.#flags = flags
    this.#notice = notice
  }

  /** Where the Postgres of our own and its key file are; absolute. */
  get home(): string {
    if (this.#flags.home !== undefined) return resolve(this.#flags.home)
    return resolve(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'audit')
  }

  /** Whether the Postgres is our own. */
  get embedded(): boolean {
    return this.#flags['database-url'] === undefined
  }

  /** subject_id of self-audit rows. */
  get actor(): string {
    return this.#flags.actor ?? `operator:${osUser()}`
  }

  /** The database, its schema in place: ours is migrated, another's is only checked. */
  database(): Promise<Database> {
    this.#database ??= this.#open()
    return this.#database
  }

  /** Its URL, without touching the schema. Never print it: it may hold a password. */
  async databaseUrl(): Promise<string> {
    const url = this.#flags['database-url']
    if (url !== undefined) return url
    const { ensureEmbedded } = await import('../repo/embedded/embedded.js')
    return (await ensureEmbedded(this.home, { notice: this.#notice, signal: interruption })).url
  }

  /**
   * Rejects with `pepper_not_configured` where an external database comes without one. `mint`: whether a fresh home may
   * get a fresh key; not where old rows are about to come into it.
   */
  async pepper({ mint } = { mint: true }): Promise<Pepper & CursorKey> {
    const { KeyFilePepper } = await import('../pepper/key-file.js')
    if (this.#flags.pepper !== undefined) {
      const { parsePepperUrl } = await import('../pepper/pepper-url.js')
      return new KeyFilePepper(parsePepperUrl(this.#flags.pepper))
    }
    if (!this.embedded) {
      throw new AuditError('pepper_not_configured', 'an external database needs a pepper source', {
        hint: 'give --pepper file:///path (AUDIT_PEPPER), the one that its chains were begun with',
      })
    }
    const { keyFileOfHome } = await import('../pepper/home-key-file.js')
    return new KeyFilePepper(await keyFileOfHome(this.home, async () => !mint || this.#hasRows()))
  }

  /** The key that list cursors are signed with; resolved when it is asked for, since most lists need none. */
  cursorKey(): CursorKey {
    return {
      cursorKey: async () => {
        const { cursorKeyOf } = await import('../pepper/key-file.js')
        return cursorKeyOf(process.env, {
          cursorKey: async () => (await this.pepper()).cursorKey(),
        }).cursorKey()
      },
    }
  }

  /** The sink; `defaults` are the chains of entries that name none themselves. */
  async sink(defaults?: Chains): Promise<Sink> {
    const [{ Sink }, { openSink }] = await Promise.all([import('../sink/sink.js'), import('../open-sink.js')])
    return new Sink(openSink(await this.database(), await this.pepper(), defaults))
  }

  /** Rejects with `usage` for a mirror URL that is none. */
  async createDomain(domain: { domainId: string; name: string; mirrorUrl?: string | undefined }) {
    if (domain.mirrorUrl !== undefined) {
      const { parseMirrorUrl } = await import('../mirror/mirror-url.js')
      parseMirrorUrl(domain.mirrorUrl)
    }
    const [{ createDomain }, { PostgresEntryStore }] = await Promise.all([
      import('../sink/create-domain.js'),
      import('../repo/append.js'),
    ])
    const store = new PostgresEntryStore(await this.database())
    return createDomain({ ...domain, actor: this.actor }, store, await this.pepper())
  }

  /**
   * What `verify` reads a chain from. `mirror` touches no database; `both` takes the mirror that the Domain names, unless
   * it is to be the given one. `isExpected`: the mirror must have this chain.
   */
  async source(
    name: SourceName,
    domainId: string,
    { isExpected = false, isGivenMirror = false } = {},
  ): Promise<EntrySource> {
    if (name === 'postgres') {
      const { PostgresSource } = await import('../repo/postgres-source.js')
      return new PostgresSource(await this.database())
    }
    const [codec, { nodeHasher }] = await Promise.all([this.codec(), import('../node-hasher.js')])
    if (name === 'mirror') {
      const { MirrorSource } = await import('../verify/mirror-source.js')
      return new MirrorSource(await this.#mirrorOf(undefined), codec, nodeHasher, { isExpected })
    }
    const [{ BothSource }, { postgresSnapshots }, { mirrorUrlOf }] = await Promise.all([
      import('../verify/both-source.js'),
      import('../repo/postgres-snapshot.js'),
      import('../repo/domains.js'),
    ])
    const database = await this.database()
    const own = isGivenMirror
      ? undefined
      : await database.withClient((client) => mirrorUrlOf(client, domainId))
    return new BothSource(postgresSnapshots(database), await this.#mirrorOf(own), codec, nodeHasher)
  }

  /** Every chain that the source speaks of. */
  async chainsOf(name: SourceName, signal: AbortSignal): Promise<KnownChains> {
    if (name === 'postgres') return this.knownChains()
    const { mirrorChains, storedChains } = await import('../verify/mirror-chains.js')
    const mirror = [await this.#mirrorOf(undefined), await this.codec(), signal] as const
    if (name === 'mirror') return mirrorChains(...mirror)
    const known = await this.knownChains()
    // A chain that Postgres has lost every trace of is still in the mirror.
    const stored = await storedChains(...mirror)
    return { ...known, domainIds: [...new Set([...known.domainIds, ...stored])].sort() }
  }

  async knownChains(): Promise<KnownChains> {
    const { knownChains, SEEING_ALL } = await import('../repo/chain-state.js')
    const database = await this.database()
    return database.withTransaction(SEEING_ALL, knownChains)
  }

  async restoreTarget(): Promise<RestoreTarget> {
    const { postgresRestoreTarget } = await import('../repo/restore.js')
    return postgresRestoreTarget(await this.database())
  }

  async entries(): Promise<EntryReader> {
    const { postgresEntryReader } = await import('../repo/entry-reader.js')
    return postgresEntryReader(await this.database())
  }

  async quarantine(): Promise<QuarantineStore> {
    const { postgresQuarantine } = await import('../repo/quarantine.js')
    return postgresQuarantine(await this.database())
  }

  async domains(): Promise<DomainRegistry> {
    const { postgresDomainRegistry } = await import('../repo/domains.js')
    return postgresDomainRegistry(await this.database())
  }

  /**
   * The mirror of the platform chain and of Domains that name none: what was given, or a directory of our own home.
   * Throws `usage` where an external database comes without one.
   */
  get mirrorUrl(): string {
    const { mirror } = this.#flags
    if (mirror !== undefined) return mirror
    if (this.embedded) return pathToFileURL(join(this.home, 'mirror')).href
    throw new AuditError('usage', 'an external database needs a mirror', {
      hint: 'give --mirror s3://bucket/prefix or file:///dir (AUDIT_MIRROR_URL)',
    })
  }

  /** One store, of the default mirror or of another; closed with the context. */
  async mirror(url: string = this.mirrorUrl): Promise<MirrorStore> {
    const { openMirror } = await import('../mirror/open.js')
    // Our own is made here, so that a mirror which is not there is one that was named wrongly, or is not mounted.
    if (this.embedded && this.#flags.mirror === undefined && url === this.mirrorUrl) {
      await mkdir(join(this.home, 'mirror'), { recursive: true, mode: 0o700 })
    }
    const store = await openMirror(url)
    this.#closing.push(async () => store.close())
    return store
  }

  /** The same store for every chain of a run. */
  #mirrorOf(url = this.mirrorUrl): Promise<MirrorStore> {
    const store = this.#mirrors.get(url) ?? this.mirror(url)
    this.#mirrors.set(url, store)
    return store
  }

  async codec(): Promise<MirrorCodec> {
    const { mirrorCodec } = await import('../mirror/codec.js')
    return mirrorCodec
  }

  /** `concurrency`: uploads under way at once to each mirror. The default mirror's URL is checked before anything opens. */
  async archive(concurrency: number): Promise<Archive> {
    const defaultUrl = this.mirrorUrl
    await this.mirror(defaultUrl)
    const [{ Mirrors }, { postgresArchiveQueue }, { postgresArchiveLedger }, { postgresSnapshots }] =
      await Promise.all([
        import('../archiver/mirrors.js'),
        import('../repo/archive-queue.js'),
        import('../repo/archive-ledger.js'),
        import('../repo/postgres-snapshot.js'),
      ])
    const database = await this.database()
    const queue = postgresArchiveQueue(database)
    this.#closing.push(() => queue.close())
    return {
      queue,
      ledger: postgresArchiveLedger(database),
      snapshots: postgresSnapshots(database),
      mirrors: new Mirrors({ open: (url) => this.mirror(url), defaultUrl, concurrency }),
      codec: await this.codec(),
      quarantine: await this.quarantine(),
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
    const database = await this.#database?.catch(() => undefined)
    await database?.close()
  }

  async #open(): Promise<Database> {
    const url = await this.databaseUrl()
    const { Database } = await import('../repo/database.js')
    const database = new Database(url)
    try {
      if (this.embedded) await this.#migrate(database, url)
      else await this.#assertSchema(database)
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }

  async #assertSchema(database: Database): Promise<void> {
    const { assertSchema } = await import('../repo/schema-status.js')
    await database.withClient((client) => assertSchema(client))
  }

  async #migrate(database: Database, url: string): Promise<void> {
    try {
      await this.#assertSchema(database)
    } catch (error) {
      const missing =
        error instanceof AuditError && ['schema_missing', 'schema_outdated'].includes(error.code)
      if (!missing) throw error
      const { migrate } = await import('../repo/migrate.js')
      await migrate(url)
    }
  }

  async #hasRows(): Promise<boolean> {
    const database = await this.database()
    return database.withClient(async (client) => {
      const { rows } = await client.query<{ any: boolean }>(
        'SELECT EXISTS (SELECT FROM audit_log_entry) AS any',
      )
      return rows[0]?.any === true
    })
  }
}

/** In a container the user may have no name. */
function osUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
