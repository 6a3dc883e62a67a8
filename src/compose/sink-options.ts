import { type Chains, createResolver } from '../append/residency.js'
import type { SinkOptions } from '../append/sink.js'
import type { Pepper } from '../ports/pepper.js'
import { PostgresEntryStore } from '../repo/append/append.js'
import { chainExists } from '../repo/query/domains.js'
import type { Database } from '../repo/session/database.js'

export interface SinkSettings {
  /** The chains of entries that name no chain. */
  readonly defaults?: Chains | undefined
  /** Days for which an idempotency key is known; default 7. */
  readonly idempotencyDays?: number | undefined
}

/** Returns the options of a sink on PostgreSQL, for both the command line and the library. */
export function sinkOptions(
  database: Database,
  pepper: Pepper,
  { defaults, idempotencyDays }: SinkSettings = {},
): SinkOptions {
  const known = new Set<string>()
  const isKnown = async (domainId: string) => {
    // A Domain is never unregistered, so a positive answer can be kept. The store checks again when it appends.
    if (!known.has(domainId) && (await database.read((client) => chainExists(client, domainId)))) {
      known.add(domainId)
    }
    return known.has(domainId)
  }
  const store = new PostgresEntryStore(database, idempotencyDays)
  return { store, pepper, resolver: createResolver(isKnown), defaults }
}
