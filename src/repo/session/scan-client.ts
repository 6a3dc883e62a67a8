import type pg from 'pg'
import type { Database } from './database.js'
import { databaseError } from './database-error.js'
import { NO_TIMEOUTS, SCAN_BEGIN } from './snapshot.js'

/**
 * Of a scan that joins another: a lock that the other one has is only waited for behind somebody who waits for that one,
 * as an ALTER TABLE does, and the other one waits for this. Postgres cannot see such a deadlock.
 */
const NO_WAITING = 'SET LOCAL lock_timeout = 200'

/** A connection of its own, for scanning a chain in one snapshot. It ends with the signal, or when it is closed. */
export class ScanClient {
  readonly client: pg.Client
  readonly #signal: AbortSignal

  private constructor(client: pg.Client, signal: AbortSignal) {
    this.client = client
    this.#signal = signal
    signal.addEventListener('abort', this.abort)
  }

  /** `snapshot`: one that another scan exported; default: a new one. Rejects as {@link ScanClient.run}. */
  static async open(database: Database, signal: AbortSignal, snapshot?: string): Promise<ScanClient> {
    signal.throwIfAborted()
    const scan = new ScanClient(await database.dedicated(), signal)
    return scan.keep(async (client) => {
      // An abort while it connected had nobody to hear it.
      signal.throwIfAborted()
      await client.query(SCAN_BEGIN)
      if (snapshot !== undefined)
        await client.query(`${NO_WAITING}; SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`)
      await client.query(NO_TIMEOUTS)
      return scan
    })
  }

  /** Makes of it what closes it later; where that fails it is closed at once. */
  async keep<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await this.run(use)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Rejects with the signal's reason once it is aborted, else with what Postgres' failure is here. */
  async run<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await use(this.client)
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** What to throw for what the client failed with. Throws the signal's reason itself. */
  failure(error: unknown): Error {
    this.#signal.throwIfAborted()
    return databaseError(error)
  }

  /** A copy cannot be told to stop; its connection can. */
  readonly abort = (): void => {
    this.client.connection.stream.destroy()
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.abort)
    await this.client.end().catch(() => undefined)
  }
}
