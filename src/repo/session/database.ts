import pg from 'pg'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import { databaseError } from './database-error.js'
import { type SchemaLocation, searchOnly } from './schema-location.js'

export type Client = pg.ClientBase

/** Milliseconds until a server that does not answer is given up. */
const CONNECT_TIMEOUT = 10_000

/**
 * Of a transaction that acknowledges rows: a server whose synchronous_commit is weaker than "on" would do so with what a
 * crash then takes back. Stronger ones are left alone.
 */
export const DURABLE = `SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
  THEN set_config('synchronous_commit', 'on', true) END`

/** A Postgres: scoped clients and transactions, and every failure as an AuditError that shows no password. */
export class Database {
  readonly #pool: pg.Pool
  readonly #session: Session = {}

  /**
   * `queryTimeout`: milliseconds until a statement that has no answer is given up, and its connection with it; for
   * reading alone, since nobody knows what became of a write. None where absent, and never on a dedicated connection.
   */
  constructor(
    readonly url: string,
    max = 4,
    queryTimeout?: number,
  ) {
    const timeout = queryTimeout === undefined ? {} : { query_timeout: queryTimeout }
    this.#pool = new pg.Pool({
      ...connection(url, this.#session),
      ...timeout,
      max,
      Client: ClosingClient,
    })
    // An idle connection that breaks is dropped by the pool; whoever asks next gets a new one or the error.
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
      // The server says goodbye before it closes: such a connection must not go back to the pool.
      broken ||= CONNECTION_LOST.includes(failure.code)
      throw failure
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  /** `begin` is the whole BEGIN statement, isolation level included. Rolls back when `use` rejects. */
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

  /** A connection of its own, for what takes it over (COPY). The caller ends it. */
  async dedicated(): Promise<pg.Client> {
    try {
      const client = new ClosingClient(connection(this.url, this.#session))
      // Every failure comes to whoever waits for a query; without a listener the event would end the process.
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

  /** pg reads the files that a URL names (sslrootcert …) only now, and throws where it cannot. */
  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw databaseError(error)
    }
  }
}

/** What all connections of a Database begin with. */
interface Session {
  location?: SchemaLocation
}

interface SessionConfig extends pg.ClientConfig {
  readonly session?: Session
}

/**
 * pg leaves the socket of a login that failed open (SCRAM without a password), and the process would wait for the
 * server to lose patience: a minute.
 */
class ClosingClient extends pg.Client {
  readonly #session: Session | undefined

  constructor(config: SessionConfig = {}) {
    super(config)
    this.#session = config.session
  }

  override connect(): Promise<pg.Client>
  override connect(callback: (error?: Error) => void): void
  override connect(callback?: (error?: Error) => void): Promise<pg.Client> | undefined {
    const connected = this.#begin().catch((error: unknown) => {
      void this.end()
      throw error
    })
    if (callback === undefined) return connected
    connected.then(() => callback(), callback)
    return undefined
  }

  async #begin(): Promise<pg.Client> {
    await super.connect()
    const location = this.#session?.location
    if (location !== undefined) await this.query(searchOnly(location.schema))
    return this
  }
}

function connection(url: string, session: Session): SessionConfig {
  return {
    session,
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    application_name: 'audit',
    keepAlive: true,
  }
}

const CONNECTION_LOST: readonly ErrorCode[] = ['database_unavailable', 'outcome_unknown', 'internal']

/** The one moment at which a lost connection leaves the outcome open: the server may have committed before it went. */
async function commit(client: Client): Promise<void> {
  const { command } = await client.query('COMMIT').catch(async (error: unknown) => {
    // Only a server that still answers has refused; one that says goodbye may do so after it has committed.
    if (await answers(client)) throw error
    throw new AuditError('outcome_unknown', 'the connection was lost while committing', {
      cause: error,
      advice: { code: 'look_before_appending_again' },
    })
  })
  // To COMMIT a failed transaction is no error in Postgres: it rolls back and says so.
  if (command !== 'COMMIT') throw new AuditError('database_failed', `Postgres: ${command} instead of COMMIT`)
}

function answers(client: Client): Promise<boolean> {
  return client.query('SELECT').then(
    () => true,
    () => false,
  )
}
