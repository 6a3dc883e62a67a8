import { mkdir } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AuditError } from '../base/errors.js'
import { note } from '../cli/output/streams.js'
import { interruption } from '../cli/shell/interruption.js'
import { OpenMirrors } from '../mirror/open-mirrors.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import type { CursorKey, Pepper } from '../ports/pepper.js'
import type { Database } from '../repo/session/database.js'

/** The flags that say where things are; the same for every command. */
export interface ContextFlags {
  readonly 'database-url'?: string | undefined
  readonly home?: string | undefined
  readonly pepper?: string | undefined
  readonly actor?: string | undefined
  readonly mirror?: string | undefined
}

/**
 * What one run works with: where things are, and what is open. With the functions of compose/ it is the one composition
 * root: they alone know the features and the adapters that serve them. Everything opens and loads on first use, because
 * most commands need little of it.
 */
export class Context {
  readonly #flags: ContextFlags
  #database: Promise<Database> | undefined
  readonly #closing: (() => Promise<void>)[] = []
  readonly #mirrors = new OpenMirrors((url) => this.#openMirror(url))

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
    if (this.#flags.pepper !== undefined) {
      const { openPepper } = await import('../pepper/open-pepper.js')
      return openPepper(this.#flags.pepper)
    }
    if (!this.embedded) {
      throw new AuditError('pepper_not_configured', 'an external database needs a pepper source', {
        advice: { code: 'name_pepper' },
      })
    }
    const [{ keyFileOfHome }, { KeyFilePepper }] = await Promise.all([
      import('../pepper/home-key-file.js'),
      import('../pepper/key-file.js'),
    ])
    return new KeyFilePepper(await keyFileOfHome(this.home, async () => !mint || this.#hasRows()))
  }

  /** The source that was named; undefined: the key file of a home of our own, or none. */
  get pepperUrl(): string | undefined {
    return this.#flags.pepper
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

  /**
   * The mirror of the platform chain and of Domains that name none: what was given, or a directory of our own home.
   * Throws `usage` where an external database comes without one.
   */
  get mirrorUrl(): string {
    const { mirror } = this.#flags
    if (mirror !== undefined) return mirror
    if (this.embedded) return pathToFileURL(join(this.home, 'mirror')).href
    throw new AuditError('usage', 'an external database needs a mirror', {
      advice: { code: 'name_mirror' },
    })
  }

  /** Returns the mirror at a URL, the same store for each call; closed with the context. */
  async mirror(url: string = this.mirrorUrl): Promise<IndexedMirror> {
    return this.#mirrors.at(url)
  }

  async codec(): Promise<MirrorCodec> {
    const { mirrorCodec } = await import('../mirror/object/codec.js')
    return mirrorCodec
  }

  /** What is to be ended with the context. */
  onClose(close: () => Promise<void>): void {
    this.#closing.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
    await this.#mirrors.close()
    const database = await this.#database?.catch(() => undefined)
    await database?.close()
  }

  async #open(): Promise<Database> {
    const url = await this.databaseUrl()
    const { Database } = await import('../repo/session/database.js')
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

  async #openMirror(url: string): Promise<IndexedMirror> {
    const { openMirror } = await import('../mirror/open.js')
    // Only the directory under --home is created. Any other missing directory is mistyped, or not mounted.
    if (this.embedded && this.#flags.mirror === undefined && url === this.mirrorUrl) {
      await mkdir(join(this.home, 'mirror'), { recursive: true, mode: 0o700 })
    }
    return openMirror(url)
  }

  async #assertSchema(database: Database): Promise<void> {
    const { pinSchema } = await import('../repo/schema/schema-status.js')
    await pinSchema(database)
  }

  async #migrate(database: Database, url: string): Promise<void> {
    try {
      await this.#assertSchema(database)
    } catch (error) {
      const missing =
        error instanceof AuditError && ['schema_missing', 'schema_outdated'].includes(error.code)
      if (!missing) throw error
      const { migrate } = await import('../repo/schema/migrate.js')
      await migrate(url)
      await this.#assertSchema(database)
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
