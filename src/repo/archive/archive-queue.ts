import type pg from 'pg'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { ArchiveQueue } from '../../ports/archive.js'
import { ChainClaims } from '../session/chain-claims.js'
import type { Database } from '../session/database.js'
import { SNAPSHOT_BEGIN } from '../session/snapshot.js'
import { collectRows } from '../wire/row-stream.js'
import { copyRange, scanRun } from './archive-scan.js'
import { stampRows } from './stamp-rows.js'
import { UnstampedRows } from './unstamped-rows.js'
import { WaitingChains } from './waiting-chains.js'

/** Finds and reads the rows to archive, and stamps them. Implements ArchiveQueue. */
export function postgresArchiveQueue(database: Database): ArchiveQueue {
  const claims = new ChainClaims(database, 'archive')
  const fills = new ChainClaims(database, 'backfill')
  const unstamped = new UnstampedRows(database)
  const chains = new WaitingChains(database, unstamped)
  return {
    waiting: () => chains.all(),
    ranges: (domainId, signal) => unstamped.ranges(domainId, signal),
    correct: (domainId, through) => chains.correct(domainId, through),
    claim: async (domainId, use) => {
      if (!(await claims.take(domainId))) return false
      await use().finally(() => claims.release(domainId))
      return true
    },
    fill: async (chain, use) => {
      const id = chain === 'all' ? PLATFORM_ANCHOR : chain
      const isClaimed = await fills.take(id)
      try {
        return await use()
      } finally {
        if (isClaimed) await fills.release(id)
      }
    },
    isFilled: (domainId) => fills.isClaimed([domainId, PLATFORM_ANCHOR]),
    nextUnstamped: (domainId, after) => unstamped.next(domainId, after),
    scan: (domainId, range, begin, signal) => scanRun(database, { domainId, ...range }, begin, signal),
    rows: (domainId, fromSeq, toSeq) =>
      database.withTransaction(SNAPSHOT_BEGIN, (client) =>
        collectRows(client as pg.Client, copyRange(domainId, fromSeq, toSeq), domainId),
      ),
    stamp: async (domainId, stamps) => {
      const batch = await stampRows(database, domainId, stamps)
      await chains.onStamped(domainId, Math.max(...stamps.map(({ seq }) => seq)))
      return batch
    },
    close: async () => {
      await claims.close()
      await fills.close()
    },
  }
}
