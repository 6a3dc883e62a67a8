import { checkEntry, type UncheckedEntry } from '../append/input/input-line.js'
import type { Chains } from '../append/residency.js'
import { Sink } from '../append/sink.js'
import { AuditError } from '../base/errors.js'
import { openPepperSource } from '../pepper/open-pepper.js'
import type { CallerClient, DomainResolver, Placed, RecordedIn } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'
import { assertSchema } from '../repo/schema/schema-status.js'
import { Database } from '../repo/session/database.js'
import { LockTimeout } from '../repo/session/lock-watch.js'
import { CallerRecorder } from './sink/record-in.js'
import { sinkOptions } from './sink-options.js'

export interface CreateSinkOptions {
  /** A PostgreSQL URL; its schema must be in place (`audit db migrate`), its role a member of audit_writer. */
  readonly databaseUrl: string
  /** `file:///path`, `env:NAME`, `openbao://host/mount/prefix` (docs/pepper.md), or a Pepper of your own. */
  readonly pepper: string | Pepper
  /** The chains of entries that name no chain. */
  readonly defaults?: Chains | undefined
  /** Places entries that neither name a chain nor have a default; default: by the object (docs/residency.md). */
  readonly resolver?: DomainResolver | undefined
  /** Days for which an idempotency key is known, 1 to 365; default 7. The same for every writer of a database. */
  readonly idempotencyDays?: number | undefined
  /** Connections held at most; default 4. */
  readonly connections?: number | undefined
  /** Milliseconds for which one transaction may keep `record` from a lock; default 10,000. Then: `lock_timeout` or `chain_busy`. */
  readonly lockTimeout?: number | undefined
}

/** For services that write audit rows in-process. */
export interface AuditSink {
  /**
   * Appends one entry. Once its rows are durable, resolves with their positions, one row on each chain concerned. Entries
   * recorded while a transaction runs share the next one. Rejects with AuditError: `invalid_input`,
   * `personal_data_in_chain`, `relation_reserved`, `residency_unknown`, `idempotency_conflict`, `pepper_mismatch`,
   * `pepper_unavailable`, `lock_timeout`, `chain_busy` (a transaction of `recordIn` of this sink holds the chain) or `database_…` when nothing was written; `outcome_unknown` when the connection was lost
   * while committing. An entry with an `idempotencyKey` may be recorded again after any of them.
   */
  record(entry: UncheckedEntry): Promise<readonly Placed[]>
  /**
   * Appends all entries, or none, inside the transaction that the caller has begun on its client (docs/transactions.md). Holds
   * the locks of their chains until that transaction ends. Only its COMMIT makes the rows durable; nothing reads them back.
   * Rejects as `record` does, and with `usage` (a pool, another database), `no_transaction`, `isolation_unsupported`,
   * `lock_order`, `retry_transaction` or `rollback_required`. After the last two the caller must roll back, and never commit;
   * after any other rejection its transaction is usable. Calls on one client run one after the other.
   */
  recordIn(client: CallerClient, entries: readonly UncheckedEntry[]): Promise<RecordedIn>
  /** Resolves when every entry recorded so far is settled. */
  flush(): Promise<void>
  /** Flushes and closes the connections. A second call waits for the first. */
  close(): Promise<void>
}

/** Shorter than that of a command: a service that waits for a transaction of its own waits in vain. */
const LOCK_TIMEOUT = 10_000

/** Returns a sink on PostgreSQL. It opens nothing before the first entry is recorded. */
export function createSink(options: CreateSinkOptions): AuditSink {
  assertKeyDays(options.idempotencyDays)
  const database = new Database(options.databaseUrl, options.connections, {
    lockTimeout: options.lockTimeout ?? LOCK_TIMEOUT,
  })
  const pepper = typeof options.pepper === 'string' ? openPepperSource(options.pepper) : options.pepper
  const ports = sinkOptions(database, pepper, options)
  const deps = { ...ports, resolver: options.resolver ?? ports.resolver }
  const sink = new Sink(deps)
  const callers = new CallerRecorder({ ...deps, database, keyDays: options.idempotencyDays })
  const underway = new Set<Promise<unknown>>()
  let checked: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const record = async (entry: UncheckedEntry) => {
    const valid = checkEntry(entry)
    checked ??= database.read((client) => assertSchema(client))
    // A schema that is missing now may exist at the next call.
    await checked.catch((error: unknown) => {
      checked = undefined
      throw error
    })
    return sink.record(valid).catch((error: unknown) => {
      throw busyError(error, callers) ?? error
    })
  }
  const flush = async () => {
    await Promise.allSettled(underway)
  }
  const close = async () => {
    await flush()
    await database.close()
  }
  const underWay = <T>(recorded: Promise<T>): Promise<T> => {
    underway.add(recorded)
    const settled = () => void underway.delete(recorded)
    recorded.then(settled, settled)
    return recorded
  }
  return {
    record: (entry) => underWay(record(entry)),
    async recordIn(client, entries) {
      if (closing !== undefined) throw new AuditError('database_unavailable', 'recordIn: the sink is closed')
      return underWay(callers.record(client, entries))
    },
    flush,
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Returns the error for a lock that a transaction of this sink's own callers holds; undefined for any other error. */
function busyError(error: unknown, callers: CallerRecorder): AuditError | undefined {
  if (!(error instanceof LockTimeout)) return undefined
  const holder = error.queue.find(({ pid, xids }) => callers.holds(pid, xids ?? []))
  if (holder === undefined) return undefined
  return new AuditError(
    'chain_busy',
    `a transaction in which recordIn was called holds the chain: ${error.message}`,
    {
      cause: error,
      advice: { code: 'commit_before_record' },
    },
  )
}

function assertKeyDays(days: number | undefined): void {
  if (days === undefined || (Number.isInteger(days) && days >= 1 && days <= 365)) return
  throw new AuditError('usage', 'idempotencyDays: expected 1 to 365')
}
