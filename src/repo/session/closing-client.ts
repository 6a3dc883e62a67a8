import pg from 'pg'
import type { SchemaLocation } from '../../ports/database.js'
import { searchOnly } from './schema-location.js'

/** Milliseconds after which connecting to a server that does not answer fails. */
const CONNECT_TIMEOUT = 10_000

/** The settings that every connection of a Database begins with. */
export interface Session {
  location?: SchemaLocation
}

interface SessionConfig extends pg.ClientConfig {
  readonly session?: Session
}

/**
 * A client that restricts its session to one schema, and closes its socket after a failed login. pg leaves that socket
 * open (SCRAM without a password), and the process would live on until the server closes it after a minute.
 */
export class ClosingClient extends pg.Client {
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

/** Returns the configuration of every connection to the database. */
export function sessionConfig(url: string, session: Session): SessionConfig {
  return {
    session,
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    application_name: 'audit',
    keepAlive: true,
  }
}
