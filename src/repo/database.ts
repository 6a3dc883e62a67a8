import pg from 'pg'
import { AuditError } from '../errors.js'
import { databaseError } from './database-error.js'

export type Client = pg.ClientBase

/** Milliseconds until a server that does not answer is given up. */
const CONNECT_TIMEOUT = 10_000

/** A Postgres: scoped clients and transactions, and every failure as an AuditError that shows no password. */
export class Database {
  readonly #pool: pg.Pool

  constructor(
    readonly url: string,
    max = 4,
  ) {
    this.#pool = new pg.Pool({ ...connection(url), max })
    // An idle connection that breaks is dropped by the pool; whoever asks next gets a new one or the error.
    this.#pool.on('error', () => undefined)
  }

  async withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseError(error)
    })
    let broken = false
    const onError = () => {
      broken = true
    }
    client.on('error', onError)
    try {
      return await use(client)
    } catch (error) {
      broken ||= !(error instanceof AuditError) && !isServerError(error)
      throw databaseError(error)
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  /** `begin` is the whole BEGIN statement, isolation level included. Rolls back when `use` rejects. */
  async withTransaction<T>(begin: string, use: (client: Client) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      await client.query(begin)
      let result: T
      try {
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
    const client = new pg.Client(connection(this.url))
    await client.connect().catch((error: unknown) => {
      throw databaseError(error)
    })
    return client
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

function connection(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    application_name: 'audit',
    keepAlive: true,
  }
}

function isServerError(error: unknown): boolean {
  return error instanceof pg.DatabaseError
}

/** The one moment at which a lost connection leaves the outcome open: the server may have committed before it went. */
async function commit(client: Client): Promise<void> {
  try {
    await client.query('COMMIT')
  } catch (error) {
    if (databaseError(error).code !== 'database_unavailable') throw error
    throw new AuditError('outcome_unknown', 'the connection was lost while committing', {
      cause: error,
      hint: 'the rows may or may not be there: look with "audit list" before you append them again',
    })
  }
}
