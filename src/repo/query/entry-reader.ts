import type { EntryFilter, EntryReader } from '../../ports/query.js'
import type { Client, Database } from '../session/database.js'
import { chainExists } from './domains.js'
import { getEntries } from './get-entry.js'
import { listEntries } from './list-entries.js'

/**
 * A filtered page must come off an index that has its order, or a filter of a table that was never analysed may sort a
 * million rows for it (1.1 s against 0.1 ms). One round trip more.
 */
export const PAGE_TRANSACTION = `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
  SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off`

function isUnfiltered(filter: EntryFilter): boolean {
  return Object.values(filter).every((value) => value === undefined)
}

/** The read surface on Postgres. */
export function postgresEntryReader(database: Database): EntryReader {
  return {
    page: (domainId, filter, range) => {
      const read = (client: Client) => listEntries(client, domainId, filter, range)
      // Without a filter nothing but the primary key has the order and the bounds, analysed or not.
      if (isUnfiltered(filter)) return database.withClient(read)
      return database.withTransaction(PAGE_TRANSACTION, read)
    },
    rowsAt: (domainId, seq) => database.withClient((client) => getEntries(client, domainId, seq)),
    knows: (domainId) => database.withClient((client) => chainExists(client, domainId)),
  }
}
