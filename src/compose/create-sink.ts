import { checkEntry, type UncheckedEntry } from '../append/input/input-line.js'
import type { Chains } from '../append/residency.js'
import { Sink } from '../append/sink.js'
import { AuditError } from '../base/errors.js'
import { openPepperSource } from '../pepper/open-pepper.js'
import type { DomainResolver, Placed } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'
import { assertSchema } from '../repo/schema/schema-status.js'
import { Database } from '../repo/session/database.js'
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
  /** Milliseconds for which one transaction may keep an append from a lock; default 30,000. Then: `lock_timeout`. */
  readonly lockTimeout?: number | undefined
}

/** For services that write audit rows in-process. */
export interface AuditSink {
  /**
   * Appends one entry. Once its rows are durable, resolves with their positions, one row on each chain concerned. Entries
   * recorded while a transaction runs share the next one. Rejects with AuditError: `invalid_input`,
   * `personal_data_in_chain`, `relation_reserved`, `residency_unknown`, `idempotency_conflict`, `pepper_mismatch`,
   * `pepper_unavailable`, `lock_timeout` or `database_…` when nothing was written; `outcome_unknown` when the connection was lost
   * while committing. An entry with an `idempotencyKey` may be recorded again after any of them.
   */
  record(entry: UncheckedEntry): Promise<readonly Placed[]>
  /** Resolves when every entry recorded so far is settled. */
  flush(): Promise<void>
  /** Flushes and closes the connections. A second call waits for the first. */
  close(): Promise<void>
}

/** Returns a sink on PostgreSQL. It opens nothing before the first entry is recorded. */
export function createSink(options: CreateSinkOptions): AuditSink {
  assertKeyDays(options.idempotencyDays)
  const database = new Database(options.databaseUrl, options.connections, {
    lockTimeout: options.lockTimeout,
  })
  const pepper = typeof options.pepper === 'string' ? openPepperSource(options.pepper) : options.pepper
  const ports = sinkOptions(database, pepper, options)
  const sink = new Sink({ ...ports, resolver: options.resolver ?? ports.resolver })
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
    return sink.record(valid)
  }
  const flush = async () => {
    await Promise.allSettled(underway)
  }
  const close = async () => {
    await flush()
    await database.close()
  }
  return {
    record(entry) {
      const recorded = record(entry)
      underway.add(recorded)
      const settled = () => void underway.delete(recorded)
      recorded.then(settled, settled)
      return recorded
    },
    flush,
    close() {
      closing ??= close()
      return closing
    },
  }
}

function assertKeyDays(days: number | undefined): void {
  if (days === undefined || (Number.isInteger(days) && days >= 1 && days <= 365)) return
  throw new AuditError('usage', 'idempotencyDays: expected 1 to 365')
}
