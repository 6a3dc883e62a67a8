import pg from 'pg'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import type { SchemaLocation } from '../../ports/database.js'
import { ClosingClient, type Session, sessionConfig } from './closing-client.js'
import { databaseError } from './database-error.js'

export type Client = pg.ClientBase

/**
 * Makes a transaction durable before its COMMIT returns. With a synchronous_commit weaker than "on", a server would
 * acknowledge rows that a crash then loses. Stronger settings stay as they are.
 */
export const DURABLE = `SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
  THEN set_config('synchronous_commit', 'on', true) END`

/** A pool of connections to one database, with scoped clients and transactions. Every failure is an AuditError. */
export class Database {
  readonly #pool: pg.Pool
  readonly #session: Session = {}

  /**
   * `queryTimeout`: milliseconds after which a statement without an answer fails and its connection is closed. Set it
   * for reads only, since the outcome of a write would be unknown. Default: none. Dedicated connections have none.
   */
  constructor(
    readonly url: string,
    max = 4,
    queryTimeout?: number,
  ) {
    const timeout = queryTimeout === undefined ? {} : { query_timeout: queryTimeout }
    this.#pool = new pg.Pool({
      ...sessionConfig(url, this.#session),
      ...timeout,
      max,
      Client: ClosingClient,
    })
    // The pool drops an idle connection that breaks. The next caller gets a new connection, or the error.
    this.#pool.on('error', () => undefined)
  }

  /** The location of the tables, once {@link pinTo} was called. */
  get location(): SchemaLocation | undefined {
    return this.#session.location
  }

  /** Makes every connection from now on look for our tables in this schema only. */
  pinTo(location: SchemaLocation): void {
    this.#session.location = location
  }

  /** Runs `use` with a client of the pool, and returns the client afterwards. */
  async withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
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

  /** Runs `use` in a transaction. `begin` is the BEGIN statement with its isolation level. Rolls back if `use` rejects. */
  async withTransaction<T>(begin: string, use: (client: Client) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      let result: T
      try {
        await client.query(begin)
        result = await use(client)
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined)
        throw error
      }
      await commit(client)
      return result
    })
  }

  /** Opens a connection outside the pool, for queries that take over its socket (COPY). The caller ends it. */
  async dedicated(): Promise<pg.Client> {
    try {
      const client = new ClosingClient(sessionConfig(this.url, this.#session))
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
