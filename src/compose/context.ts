import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { Database } from '../repo/session/database.js'
import { assertCanBegin } from './can-begin.js'
import { databaseUrl, openDatabase, type ServerStart } from './open-database.js'

/** The settings of a run. A missing setting has a default. */
export interface Settings {
  readonly databaseUrl?: string | undefined
  readonly home?: string | undefined
  readonly pepper?: string | undefined
  readonly mirror?: string | undefined
  /** The path of the map from Domains to mirrors. */
  readonly mirrorMap?: string | undefined
  /** The key file of the log as `file:///path`, or `none`. */
  readonly logKey?: string | undefined
  readonly logName?: string | undefined
  /** The subject_id of self-audit rows. */
  readonly actor?: string | undefined
  /** The path of a policy with the keys of the log and its witnesses, or `-` for stdin. */
  readonly policy?: string | undefined
  /** Milliseconds that a statement waits for a lock that one transaction holds; default: 30 seconds. */
  readonly lockTimeout?: number | undefined
}

export interface ContextOptions {
  /** Whether a home without a database gets one. Default: false, because commands that read create nothing. */
  readonly mayCreateHome?: boolean | undefined
  /** Gets the home when its server is started. */
  readonly onServerStart?: ((home: string) => void) | undefined
  /** Is called after an append to chains that are ahead of the clock, with the seconds by chain. */
  readonly onAhead?: ((seconds: ReadonlyMap<string, number>) => void) | undefined
}

/**
 * What one run works with: where things are, and what is open. The functions of compose/ build everything else from a
 * context: together they are the one composition root, the only place that knows features and adapters. Things open and
 * load on first use, because most commands need few of them.
 */
export class Context {
  readonly #start: ServerStart
  readonly #onAhead: ContextOptions['onAhead']
  readonly #closing: (() => Promise<void>)[] = []
  #database: Promise<Database> | undefined

  /** `signal` stops what the context starts. */
  constructor(
    readonly settings: Settings,
    readonly signal: AbortSignal,
    { mayCreateHome = false, onServerStart, onAhead }: ContextOptions = {},
  ) {
    this.#onAhead = onAhead
    const beforeCreate = () => assertCanBegin(settings.pepper, this.actor)
    this.#start = { signal, mayCreateHome, beforeCreate, onStart: onServerStart }
  }

  /** Whether this run may create a home, with a database and a key file. */
  get mayCreateHome(): boolean {
    return this.#start.mayCreateHome
  }

  /** The directory of the embedded PostgreSQL and its key file; absolute. */
  get home(): string {
    if (this.settings.home !== undefined) return resolve(this.settings.home)
    return resolve(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'audit')
  }

  /** Whether the database is the embedded PostgreSQL of the home. */
  get embedded(): boolean {
    return this.settings.databaseUrl === undefined
  }

  /** The subject_id of self-audit rows. */
  get actor(): string {
    return this.settings.actor ?? `operator:${osUser()}`
  }

  /** Returns the database with its schema in place: an embedded one is migrated, an external one is only checked. */
  database(): Promise<Database> {
    this.#database ??= this.#open()
    return this.#database
  }

  async #open(): Promise<Database> {
    const database = await openDatabase(this.settings, this.home, this.#start)
    database.onAhead = this.#onAhead
    return database
  }

  /** Returns the URL of the database without touching its schema. Never print it: it may hold a password. */
  databaseUrl(): Promise<string> {
    return databaseUrl(this.settings.databaseUrl, this.home, this.#start)
  }

  /** Adds something to close with the context. */
  onClose(close: () => Promise<void>): void {
    this.#closing.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
    const database = await this.#database?.catch(() => undefined)
    await database?.close()
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
