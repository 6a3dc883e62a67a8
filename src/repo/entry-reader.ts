import type { EntryReader } from '../ports.js'
import type { Database } from './database.js'
import { chainExists } from './domains.js'
import { getEntries } from './get-entry.js'
import { listEntries } from './list-entries.js'

/** The read surface on Postgres; every call is one statement, on a connection of the pool. */
export function postgresEntryReader(database: Database): EntryReader {
  return {
    page: (domainId, filter, range) =>
      database.withClient((client) => listEntries(client, domainId, filter, range)),
    rowsAt: (domainId, seq) => database.withClient((client) => getEntries(client, domainId, seq)),
    knows: (domainId) => database.withClient((client) => chainExists(client, domainId)),
  }
}
