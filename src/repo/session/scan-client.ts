import type pg from 'pg'
import type { AuditError } from '../../base/errors.js'
import type { Database } from './database.js'
import { databaseError } from './database-error.js'
import { NO_TIMEOUTS, SCAN_BEGIN } from './snapshot.js'

/**
 * Keeps a scan that joins the snapshot of another scan from waiting long for a lock. Such a wait has one cause: a third
 * session, for example an ALTER TABLE, waits for a lock of the other scan and blocks this one in the queue behind it,
 * while the other scan waits for this one to finish. PostgreSQL cannot detect this deadlock.
 */
const SHORT_LOCK_WAITS = 'SET LOCAL lock_timeout = 200'

/** A dedicated connection that scans a chain in one snapshot. It ends when the signal aborts, or when it is closed. */
export class ScanClient {
  readonly client: pg.Client
  readonly #signal: AbortSignal

  private constructor(client: pg.Client, signal: AbortSignal) {
    this.client = client
    this.#signal = signal
    signal.addEventListener('abort', this.abort)
  }

  /** Opens a scan in the snapshot that another scan exported, or in a new one. Rejects as {@link ScanClient.run} does. */
  static async open(database: Database, signal: AbortSignal, snapshot?: string): Promise<ScanClient> {
    signal.throwIfAborted()
    const scan = new ScanClient(await database.dedicated(), signal)
    return scan.runOrClose(async (client) => {
      // An abort during connecting had no listener yet.
      signal.throwIfAborted()
      // One query: between two, a server with a short idle_in_transaction_session_timeout could end the transaction. The
      // settings are a query of the transaction, so the snapshot must be joined before them.
      if (snapshot === undefined) await database.begin(client, SCAN_BEGIN, [NO_TIMEOUTS])
      else {
        const join = `SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`
        await database.begin(client, `${SCAN_BEGIN}; ${join}`, [SHORT_LOCK_WAITS, NO_TIMEOUTS])
      }
      return scan
    })
  }

  /** Runs `use`, whose result closes this client later. Closes the client at once if `use` rejects. */
  async runOrClose<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await this.run(use)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Runs `use`. Rejects with the signal's reason once the signal is aborted, otherwise with an AuditError. */
  async run<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await use(this.client)
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** Returns the AuditError for a failure of the client. Throws the signal's reason once the signal is aborted. */
  failure(error: unknown): AuditError {
    this.#signal.throwIfAborted()
    return databaseError(error)
  }

  /** Destroys the connection: the protocol has no message that stops a running COPY. */
  readonly abort = (): void => {
    this.client.connection.stream.destroy()
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.abort)
    await this.client.end().catch(() => undefined)
  }
}
