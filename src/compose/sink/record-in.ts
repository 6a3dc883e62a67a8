import { type ItemDeps, toAppendItems } from '../../append/append-item.js'
import { checkEntry, type UncheckedEntry } from '../../append/input/input-line.js'
import { MAX_GROUP } from '../../append/sink.js'
import { AuditError } from '../../base/errors.js'
import { type AppendItem, type CallerClient, DEFAULT_KEY_DAYS, type RecordedIn } from '../../ports/append.js'
import { appendInTransaction } from '../../repo/append/caller/append-in-transaction.js'
import { assertOneClient } from '../../repo/append/caller/caller-client.js'
import { type CallerTarget, findTarget } from '../../repo/append/caller/caller-target.js'
import { oneAtATime } from '../../repo/append/caller/one-at-a-time.js'
import type { Database } from '../../repo/session/database.js'

export interface RecordInOptions extends ItemDeps {
  readonly database: Database
  /** Days for which an idempotency key is known. */
  readonly keyDays?: number | undefined
}

/** Transactions that are remembered at most. Each backend has one. */
const MOST_REMEMBERED = 1000

/** Appends in the transactions of callers. */
export class CallerRecorder {
  readonly #options: RecordInOptions
  readonly #xids = new Map<number, string>()
  #target: Promise<CallerTarget> | undefined

  constructor(options: RecordInOptions) {
    this.#options = options
  }

  /** Appends all entries or none. Rejects with the error of the first entry that is refused. Calls on one client run in their order. */
  async record(client: CallerClient, entries: readonly UncheckedEntry[]): Promise<RecordedIn> {
    assertOneClient(client)
    assertEntries(entries)
    if (entries.length === 0) return { placed: [], durable: false }
    return oneAtATime(client, () => this.#append(client, entries))
  }

  async #append(client: CallerClient, entries: readonly UncheckedEntry[]): Promise<RecordedIn> {
    const valid = entries.map((entry, index) => refusedAt(index, entries.length, () => checkEntry(entry)))
    const target = await this.#findTarget()
    const items = (await toAppendItems(valid, this.#options)).map((item, index) =>
      refusedAt(index, entries.length, () => itemOf(item)),
    )
    const outcome = await appendInTransaction(client, items, {
      target,
      keyDays: this.#options.keyDays ?? DEFAULT_KEY_DAYS,
      onLock: (pid, xid) => this.#remember(pid, xid),
    })
    if ('error' in outcome) throw atIndex(outcome.error, outcome.index, entries.length)
    return { placed: outcome, durable: false }
  }

  /** Whether this transaction is the last one of its backend that appended here. `xids` are the ids that the backend holds. */
  holds(pid: number, xids: readonly string[]): boolean {
    const xid = this.#xids.get(pid)
    return xid !== undefined && xids.includes(String(BigInt(xid) & 0xffff_ffffn))
  }

  /** A schema that is missing now may exist at the next call. */
  #findTarget(): Promise<CallerTarget> {
    this.#target ??= findTarget(this.#options.database).catch((error: unknown) => {
      this.#target = undefined
      throw error
    })
    return this.#target
  }

  #remember(pid: number, xid: string): void {
    this.#xids.delete(pid)
    this.#xids.set(pid, xid)
    const [oldest] = this.#xids.keys()
    if (this.#xids.size > MOST_REMEMBERED && oldest !== undefined) this.#xids.delete(oldest)
  }
}

function assertEntries(entries: unknown): void {
  if (!Array.isArray(entries)) throw new AuditError('usage', 'recordIn: expected an array of entries')
  if (entries.length <= MAX_GROUP) return
  throw new AuditError('usage', `recordIn: expected at most ${MAX_GROUP} entries, got ${entries.length}`)
}

function itemOf(item: AppendItem | AuditError): AppendItem {
  if (item instanceof AuditError) throw item
  return item
}

/** Runs `use` for one entry. An AuditError names the entry. */
function refusedAt<T>(index: number, entries: number, use: () => T): T {
  try {
    return use()
  } catch (error) {
    throw error instanceof AuditError ? atIndex(error, index, entries) : error
  }
}

/** Returns the error of one entry. Where there are several entries, it names the entry. */
function atIndex(error: AuditError, index: number, entries: number): AuditError {
  if (entries === 1) return error
  const { code, message, advice, hint, cause } = error
  return new AuditError(code, `entries[${index}]: ${message}`, { advice, hint, cause })
}
