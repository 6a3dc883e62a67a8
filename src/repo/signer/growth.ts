import { LIMITS } from '../../chain/limits.js'
import type { ChainGrowth } from '../../ports/signer.js'
import { isStampedAbove } from '../session/archive-stamp.js'
import type { Client } from '../session/database.js'
import { WITH_STORED_CHAINS } from '../session/stored-chains.js'
import { LAST_OF_HEAD } from '../verify/chain-expressions.js'

/** Every chain has its first incarnation (tlog.md, section 3). */
export const INCARNATION = 1

/** Returns the largest size in the index, by one probe of its primary key; 0 where it has none. */
const indexedSize = (domainId: string) => `coalesce((
    SELECT size FROM audit_checkpoint c
    WHERE c.domain_id = ${domainId} AND c.incarnation = ${INCARNATION} ORDER BY size DESC LIMIT 1), 0)`

/** Adds the last row to chains of the table `c(domain_id, indexed)`. */
const WITH_ROWS = `
  SELECT c.domain_id::text AS id, c.indexed, last.seq AS last_seq
  FROM c
  CROSS JOIN LATERAL (
    SELECT max(seq) AS seq FROM audit_log_entry e WHERE e.domain_id = c.domain_id AND seq <= ${LIMITS.maxSeq}) AS last`

/**
 * Finds the chains by their heads, because a chain that has not grown then costs one probe of the index: 22 ms for 10,000 chains
 * with nothing to sign, and 80 ms for a look at all of them. A head that lies hides the growth until that look. A chain without a stamp
 * beyond the index has nothing to sign, unless the row after the index is missing.
 */
const GROWN = `
  WITH heads AS MATERIALIZED (
    SELECT domain_id, ${indexedSize('h.domain_id')} AS indexed, ${LAST_OF_HEAD} AS last FROM audit_log_chain_head h
  ), c AS MATERIALIZED (SELECT domain_id, indexed FROM heads WHERE last > indexed)
  ${WITH_ROWS}
  WHERE last.seq > c.indexed AND (${isStampedAbove('c.domain_id', 'c.indexed')} OR NOT EXISTS (
    SELECT FROM audit_log_entry e WHERE e.domain_id = c.domain_id AND e.seq = c.indexed + 1))`

const ALL = `${WITH_STORED_CHAINS}, c AS MATERIALIZED (
    SELECT domain_id, ${indexedSize('s.domain_id')} AS indexed FROM stored s WHERE domain_id IS NOT NULL
  )
  ${WITH_ROWS}
  WHERE last.seq >= 1`

/** For thousands of chains the estimated cost would start the compiler of expressions, which takes longer than the query. */
const NO_COMPILER = 'SET LOCAL jit = off'

/** Implements SignerStore.growth. */
export async function growth(client: Client, all: boolean): Promise<ChainGrowth[]> {
  await client.query(NO_COMPILER)
  const sql = all ? ALL : GROWN
  const { rows } = await client.query<{ id: string; indexed: string; last_seq: string }>(sql)
  return rows.map(({ id, indexed, last_seq }) => ({
    domainId: id,
    incarnation: INCARNATION,
    lastSeq: Number(last_seq),
    indexedSize: Number(indexed),
  }))
}
