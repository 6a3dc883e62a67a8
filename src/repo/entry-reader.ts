import type { EntryFilter, EntryReader } from '../ports.js'
import type { Database } from './database.js'
import { chainExists } from './domains.js'
import { getEntries } from './get-entry.js'
import { listEntries } from './list-entries.js'

/**
 * A page must come off an index that has its order, or a filter of a table that was never analysed may sort a million
 * rows for it (1.1 s against 0.1 ms). One round trip more.
 */
const PAGE_TRANSACTION = `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
  SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off`

/** A reason outside 1 to 4 is two ranges of an index on reason: its rows, if there are any, are few, and are sorted. */
export function pageTransaction({ reason }: EntryFilter): string {
  return reason === 'unknown' ? 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY' : PAGE_TRANSACTION
}

/** The read surface on Postgres. */
export function postgresEntryReader(database: Database): EntryReader {
  return {
    page: (domainId, filter, range) =>
      database.withTransaction(pageTransaction(filter), (client) =>
        listEntries(client, domainId, filter, range),
      ),
    rowsAt: (domainId, seq) => database.withClient((client) => getEntries(client, domainId, seq)),
    knows: (domainId) => database.withClient((client) => chainExists(client, domainId)),
  }
}
