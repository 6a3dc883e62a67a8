import pg from 'pg'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import type { PinnedSchema } from '../../ports/database.js'
import { ClosingClient } from './closing-client.js'
import { connectionConfig } from './connection-config.js'
import { databaseError } from './database-error.js'
import { assertEndStates, type EndState } from './end-state.js'
import { LockWatch } from './lock-watch.js'
import { isAboutMissing, newerSchema, newestVersion } from './newer-schema.js'
import { searchOnly } from './schema-location.js'
import {
  assertSettings,
  assertTriggersFire,
  type SessionSettings,
  settingsQuery,
  TRIGGERS_FIRE,
} from './session-settings.js'

export type Client = pg.ClientBase

/**
 * Makes a transaction durable before its COMMIT returns. With a synchronous_commit weaker than "on", a server would
 * acknowledge rows that a crash then loses. Stronger settings stay as they are.
 */
export const DURABLE = `SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
  THEN set_config('synchronous_commit', 'on', true) END`

/** READ WRITE is left out: a database that its administrator made read-only must refuse. */
const WRITE_BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'
const READ_BEGIN = `${WRITE_BEGIN} READ ONLY`

/** Milliseconds that a statement waits for a lock, unless the caller gives another time. */
const DEFAULT_LOCK_TIMEOUT = 30_000

export interface DatabaseOptions {
  /**
   * Milliseconds after which a statement without an answer fails and its connection is closed. Set it for reads only,
   * since the outcome of a write would be unknown. Default: none. Dedicated connections have none.
   */
  readonly queryTimeout?: number | undefined
  /** Milliseconds that a statement waits for a lock. Default: {@link DEFAULT_LOCK_TIMEOUT}. */
  readonly lockTimeout?: number | undefined
  /** Whether this is the embedded server of a home. Variables such as PGHOST and PGOPTIONS then have no effect. */
  readonly isEmbedded?: boolean | undefined
}

/** All that another thread needs to open the same database. Plain data. */
export interface DatabaseSite extends DatabaseOptions {
  readonly url: string
  readonly location: PinnedSchema | undefined
}

/**
 * A pool of connections to one database. All work happens in transactions that bring their own settings, and leaves
 * nothing behind on a connection: behind a pooler in transaction mode, the next transaction may have another connection,
 * and another client may have this one. Every failure is an AuditError.
 */
export class Database {
  readonly #pool: pg.Pool
  readonly #options: DatabaseOptions
  /** Is called after an append to chains that are ahead of the clock, with the seconds by chain. */
  onAhead: ((seconds: ReadonlyMap<string, number>) => void) | undefined
  #location: PinnedSchema | undefined
  #triggersOff: string | undefined

  constructor(
    readonly url: string,
    max = 4,
    options: DatabaseOptions = {},
  ) {
    this.#options = options
    const { queryTimeout } = options
    const timeout = queryTimeout === undefined ? {} : { query_timeout: queryTimeout }
    this.#pool = new pg.Pool({ ...this.#config(), ...timeout, max, Client: ClosingClient })
    // The pool drops an idle connection that breaks. The next caller gets a new connection, or the error.
    this.#pool.on('error', () => undefined)
  }

  /** Returns what another thread opens this database with. */
  get site(): DatabaseSite {
    return { ...this.#options, url: this.url, location: this.#location }
  }

  /** Milliseconds that a statement waits for a lock. */
  get lockTimeout(): number {
    return this.#options.lockTimeout ?? DEFAULT_LOCK_TIMEOUT
  }

  /** The location of the tables, once {@link pinTo} was called. */
  get location(): PinnedSchema | undefined {
    return this.#location
  }

  /** Makes every transaction from now on look for our tables in this schema only. */
  pinTo(location: PinnedSchema): void {
    this.#location = location
  }

  /** A session_replication_role other than `origin` that a connection had; undefined where none had. */
  get triggersOff(): string | undefined {
    return this.#triggersOff
  }

  /**
   * Returns the SQL that begins a transaction: `begin`, the BEGIN statement with its isolation level, and the settings
   * of every transaction. It must be one query: a pooler may change the connection before BEGIN, and not after it.
   */
  beginning(begin: string): string {
    return `${begin}; ${settingsQuery(this.#settings)}`
  }

  /**
   * Begins a transaction. `begin` is the BEGIN statement with its isolation level; `then` are statements that follow the
   * settings. Returns the pid of the server's backend: behind a pooler, the driver knows another one. Throws `triggers_off` if
   * the transaction may write and triggers do not fire.
   */
  async begin(client: Client, begin: string, then: readonly string[] = []): Promise<number> {
    const results: unknown = await client.query([this.beginning(begin), ...then].join('; '))
    const { replicationRole, pid } = assertSettings(results, this.#settings)
    if (replicationRole === TRIGGERS_FIRE) return pid
    this.#triggersOff = replicationRole
    if (!begin.includes('READ ONLY')) assertTriggersFire(replicationRole)
    return pid
  }

  get #settings(): SessionSettings {
    const searchPath = this.#location === undefined ? undefined : searchOnly(this.#location.schema)
    return { lockTimeout: this.lockTimeout, searchPath }
  }

  /** Runs `use` in a transaction that only reads, each statement in its own snapshot. */
  read<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return this.withTransaction(READ_BEGIN, use)
  }

  /** Runs `use` in a transaction that writes, each statement in its own snapshot. */
  write<T>(use: (client: Client) => Promise<T>, ...endStates: readonly EndState<T>[]): Promise<T> {
    return this.withTransaction(WRITE_BEGIN, use, ...endStates)
  }

  /**
   * Runs `use` in a transaction. `begin` is the BEGIN statement with its isolation level. Rolls back if `use` rejects.
   * Throws {@link LockTimeout} where a statement does not get a lock within the lock timeout, and `schema_newer` where a newer program
   * has migrated the database since {@link pinTo} and removed what a statement names.
   * After COMMIT, looks at each of `endStates` on the same connection. Throws `write_undone` where one is not reached.
   */
  async withTransaction<T>(
    begin: string,
    use: (client: Client) => Promise<T>,
    ...endStates: readonly EndState<T>[]
  ): Promise<T> {
    const run = this.#withClient(async (client) => {
      const watch = new LockWatch(() => this.dedicated(), this.lockTimeout)
      let result: T
      try {
        const pid = await this.begin(client, begin)
        // A transaction that only reads may well take long, and waits for nobody but an administrator.
        if (!begin.includes('READ ONLY')) watch.start(pid)
        result = await use(client)
        await commit(client)
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined)
        throw watch.timedOut(error) ?? error
      } finally {
        watch.stop()
      }
      await assertEndStates(client, this.beginning(READ_BEGIN), endStates, result)
      return result
    })
    // After the client is back in the pool, which may have only one.
    return run.catch(async (error: unknown) => {
      throw error instanceof AuditError ? await this.#asNewerSchema(error) : error
    })
  }

  /** Returns `schema_newer` for a failure that the schema of a newer program explains, and any other failure as it is. */
  async #asNewerSchema(failure: AuditError): Promise<AuditError> {
    const known = this.#location?.version
    if (known === undefined || !isAboutMissing(failure)) return failure
    const readNewest = async (client: Client) => {
      await this.begin(client, READ_BEGIN)
      return newestVersion(client).finally(() => client.query('ROLLBACK'))
    }
    const newest = await this.#withClient(readNewest).catch(() => 0)
    return newest > known ? newerSchema(newest, known, failure) : failure
  }

  /** Runs `use` with a client of the pool, and returns the client afterwards. */
  async #withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    let broken = false
    const onError = () => {
      broken = true
    }
    client.on('error', onError)
    try {
      return await use(client)
    } catch (error) {
      const failure = databaseError(error)
      // A server reports its shutdown before it closes the connection. Such a connection must not return to the pool.
      broken ||= CONNECTION_LOST.includes(failure.code)
      throw failure
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  /**
   * Opens a connection outside the pool, for queries that take over its socket (COPY). The caller begins a transaction with
   * {@link begin}, and ends the connection.
   */
  async dedicated(): Promise<pg.Client> {
    try {
      const client = new ClosingClient(this.#config())
      // The pending query rejects with every failure. Without a listener the event would end the process.
      client.on('error', () => undefined)
      await client.connect()
      return client
    } catch (error) {
      throw databaseError(error)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  #config(): pg.ClientConfig {
    return connectionConfig(this.url, this.#options.isEmbedded === true)
  }

  /** Connecting is when pg reads the files that a URL names (sslrootcert …), and throws if it cannot read one. */
  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw databaseError(error)
    }
  }
}

const CONNECTION_LOST: readonly ErrorCode[] = ['database_unavailable', 'outcome_unknown', 'internal']

/** Commits. If the connection is lost at this moment, the outcome is unknown: the server may have committed. */
async function commit(client: Client): Promise<void> {
  const { command } = await client.query('COMMIT').catch(async (error: unknown) => {
    // Only a server that still answers has refused. A server that reports its shutdown may have committed before.
    if (await answers(client)) throw error
    throw new AuditError('outcome_unknown', 'the connection was lost while committing', {
      cause: error,
      advice: { code: 'look_before_appending_again' },
    })
  })
  // COMMIT of a failed transaction is not an error in Postgres: it rolls back, and the command tag says ROLLBACK.
  if (command !== 'COMMIT') throw new AuditError('database_failed', `Postgres: ${command} instead of COMMIT`)
}

function answers(client: Client): Promise<boolean> {
  return client.query('SELECT').then(
    () => true,
    () => false,
  )
}
