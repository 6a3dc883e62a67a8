import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { AuditError } from '../errors.js'
import type {
  CursorKey,
  DomainRegistry,
  EntryReader,
  EntrySource,
  KnownChains,
  Pepper,
  QuarantineStore,
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
}

/**
 * The one composition root: it alone knows the features and the adapters that serve them. Everything opens on first
 * use and loads on first use, because most commands need little of it.
 */
export class Context {
  readonly #flags: ContextFlags
  #database: Promise<Database> | undefined

  readonly #notice: (line: string) => void

  /** `notice` gets a line when a server is started. */
  constructor(flags: ContextFlags, notice: (line: string) => void = note) {
    this.#flags = flags
    this.#notice = notice
  }

  /** Where the Postgres of our own and its key file are; absolute. */
  get home(): string {
    const data = process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share')
    return resolve(this.#flags.home ?? join(data, 'audit'))
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

  /** Rejects with `pepper_not_configured` where an external database comes without one. */
  async pepper(): Promise<Pepper & CursorKey> {
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
    return new KeyFilePepper(await keyFileOfHome(this.home, async () => this.#hasRows()))
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

  async createDomain(domain: { domainId: string; name: string; mirrorUrl?: string | undefined }) {
    const [{ createDomain }, { PostgresEntryStore }] = await Promise.all([
      import('../sink/create-domain.js'),
      import('../repo/append.js'),
    ])
    const store = new PostgresEntryStore(await this.database())
    return createDomain({ ...domain, actor: this.actor }, store, await this.pepper())
  }

  async source(): Promise<EntrySource> {
    const { PostgresSource } = await import('../repo/postgres-source.js')
    return new PostgresSource(await this.database())
  }

  async knownChains(): Promise<KnownChains> {
    const { knownChains } = await import('../repo/chain-state.js')
    const database = await this.database()
    return database.withClient(knownChains)
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

  async close(): Promise<void> {
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
