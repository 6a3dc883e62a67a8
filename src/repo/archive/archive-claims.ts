import type pg from 'pg'
import type { Database } from '../session/database.js'
import { databaseError } from '../session/database-error.js'

/** A lock of the session: it ends with the connection, so that an archiver that dies releases its chains. */
const CLAIM = `SELECT pg_try_advisory_lock(hashtextextended('audit/archive/' || $1, 0)) AS done`
const RELEASE = `SELECT pg_advisory_unlock(hashtextextended('audit/archive/' || $1, 0)) AS done`

/**
 * Claims chains for this archiver with advisory locks, all on one dedicated connection. A claim lasts as long as its
 * uploads, and claims on connections of the pool would leave none for queries. The locks only divide the work. If they
 * fail (a lost connection, a pooler that swaps sessions), two archivers do the same work twice and harm nothing.
 */
export class ArchiveClaims {
  readonly #database: Database
  #client: Promise<pg.Client> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(database: Database) {
    this.#database = database
  }

  /** Runs `use` unless another session claims the chain. Resolves with whether it ran. A session may claim a chain twice. */
  async hold(domainId: string, use: () => Promise<void>): Promise<boolean> {
    const client = await this.#connected()
    const claimed = await this.#ask(client, CLAIM, domainId).catch((error: unknown) => {
      this.#forget(client)
      throw databaseError(error)
    })
    if (!claimed) return false
    try {
      await use()
      return true
    } finally {
      // A lost connection has released its locks. A connection that only fails must be closed to release them.
      await this.#ask(client, RELEASE, domainId).catch(() => this.#forget(client))
    }
  }

  /** Runs one statement at a time, because a connection cannot run two. */
  #ask(client: pg.Client, text: string, domainId: string): Promise<boolean> {
    const asked = this.#last.then(async () => {
      const { rows } = await client.query<{ done: boolean }>(text, [domainId])
      return rows[0]?.done === true
    })
    this.#last = asked.catch(() => undefined)
    return asked
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  #connected(): Promise<pg.Client> {
    this.#client ??= this.#connect()
    return this.#client
  }

  async #connect(): Promise<pg.Client> {
    try {
      const client = await this.#database.dedicated()
      client.on('error', () => this.#forget(client))
      return client
    } catch (error) {
      this.#client = undefined
      throw error
    }
  }

  #forget(client: pg.Client): void {
    client.end().catch(() => undefined)
    void this.#client?.then((current) => {
      if (current === client) this.#client = undefined
    })
  }
}
