import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { StatementStore } from '../../ports/log/heads.js'
import type { Client, Database } from '../session/database.js'
import { lastRowsOfDays, namedHeads, platformNotes } from './named-rows.js'
import { pagesOfHeads, rowsWithHead, statementRows } from './statement-rows.js'

const keysOf = (domainId: string) => `key:${domainId}:`
const headsOf = (domainId: string) => `head:${domainId}:1:`
const holesOf = (domainId: string) => `chain:${domainId}:1`
const ALL = ['key:', 'head:', 'chain:']

/** The signed rows in PostgreSQL. Each read takes a few milliseconds where the log has no signed row. */
export function postgresStatements(database: Database): StatementStore {
  return {
    ofChain: async (domainId) => {
      const named = await byIndex(database, (client) => namedHeads(client, domainId))
      const texts = [keysOf(PLATFORM_ANCHOR), keysOf(domainId), headsOf(domainId), holesOf(domainId)]
      return database.read((client) => statementRows(client, texts, { named }))
    },
    ofAll: () =>
      database.read(async (client) => statementRows(client, ALL, { seqs: await lastRowsOfDays(client) })),
    platformNotes: () => byIndex(database, platformNotes),
    headsNewestFirst: (domainId, range, take) => {
      const text = domainId === undefined ? 'head:' : headsOf(domainId)
      return database.read((client) => pagesOfHeads(client, text, range, take))
    },
    headsBetween: (domainId, range) =>
      database.read((client) => rowsWithHead(client, headsOf(domainId), range)),
  }
}

/** A login that may read rows, and not the index, still finds the newest rows. */
async function byIndex<T>(database: Database, read: (client: Client) => Promise<T[]>): Promise<readonly T[]> {
  try {
    return await database.read(read)
  } catch (error) {
    if (error instanceof AuditError && error.code === 'database_permission_denied') return []
    throw error
  }
}
