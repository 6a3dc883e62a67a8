import { isUnfiltered } from '../../base/row-filter.js'
import type { EntryReader } from '../../ports/query.js'
import type { Client, Database } from '../session/database.js'
import { timeOrderOf } from '../time-range/time-order.js'
import { countAhead } from './count-ahead.js'
import { chainExists } from './domains.js'
import { hasEventTimes } from './event-time.js'
import { getEntries } from './get-entry.js'
import { listByKey } from './list-by-key.js'
import { listEntries } from './list-entries.js'

/**
 * Makes PostgreSQL read a filtered page from an index that has the order of the page. Without these settings it may sort
 * a million rows of a table that was never analysed (1.1 s instead of 0.1 ms). They cost one round trip.
 */
export const PAGE_TRANSACTION = `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
  SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off`

/** Reads entries from PostgreSQL, and pages by the primary key alone. Implements EntryReader. */
export function postgresKeyReader(database: Database): EntryReader {
  return {
    ...postgresEntryReader(database),
    page: (domainId, filter, range) =>
      database.withTransaction(PAGE_TRANSACTION, (client) => listByKey(client, domainId, filter, range)),
  }
}

/** Reads entries from PostgreSQL. Implements EntryReader. */
export function postgresEntryReader(database: Database): EntryReader {
  return {
    page: (domainId, filter, range) => {
      const read = (client: Client) => listEntries(client, domainId, filter, range)
      // Without a filter only the primary key has the order and the bounds, whether the table was analysed or not.
      if (isUnfiltered(filter)) return database.read(read)
      return database.withTransaction(PAGE_TRANSACTION, read)
    },
    rowsAt: (domainId, seq) => database.read((client) => getEntries(client, domainId, seq)),
    countAhead: (domainId, known) => database.read((client) => countAhead(client, domainId, known)),
    timeOrder: (domainId) => database.read((client) => timeOrderOf(client, domainId)),
    hasEventTimes: (domainId) => database.read((client) => hasEventTimes(client, domainId)),
    knows: (domainId) => database.read((client) => chainExists(client, domainId)),
  }
}
