import { LIMITS } from '../../chain/limits.js'
import type { RowlessChain, RowlessStamps } from '../../ports/verify.js'
import type { Client } from '../session/database.js'
import { withChainsOf } from '../session/stored-chains.js'

/** Seqs that are named. */
const NAMED = 10

const ROWLESS = `
  SELECT count(*) AS count, coalesce(array_agg(seq::text ORDER BY seq) FILTER (WHERE place <= ${NAMED}), '{}') AS first FROM (
    SELECT s.seq, row_number() OVER (ORDER BY s.seq) AS place FROM audit_archive_stamp s
    WHERE s.domain_id = $1 AND s.seq BETWEEN $2 AND $3
      AND NOT EXISTS (SELECT FROM audit_log_entry e WHERE e.domain_id = $1 AND e.seq = s.seq AND e.seq BETWEEN $2 AND $3)
  ) AS rowless`

/** The chains that have stamps and are not given. */
const UNKNOWN = `${withChainsOf('stamped', 'audit_archive_stamp')}
  SELECT domain_id::text AS id FROM stamped s
  WHERE domain_id IS NOT NULL AND NOT EXISTS (SELECT FROM unnest($1::uuid[]) AS k(id) WHERE k.id = s.domain_id)
  ORDER BY id LIMIT ${NAMED}`

/** Returns the first chains that have archive stamps and are not among the given ones. */
export async function rowlessChains(client: Client, known: readonly string[]): Promise<RowlessChain[]> {
  const { rows } = await client.query<{ id: string }>(UNKNOWN, [known])
  const chains: RowlessChain[] = []
  for (const { id } of rows) {
    const stamps = await rowlessStamps(client, id, 1, LIMITS.maxSeq)
    if (stamps !== undefined) chains.push({ domainId: id, stamps })
  }
  return chains
}

/** Returns the archive stamps of a segment that name no row, if there are any. */
export async function rowlessStamps(
  client: Client,
  domainId: string,
  fromSeq: number,
  toSeq: number,
): Promise<RowlessStamps | undefined> {
  const { rows } = await client.query<{ count: string; first: readonly string[] }>(ROWLESS, [
    domainId,
    fromSeq,
    toSeq,
  ])
  const [row] = rows
  if (row === undefined || row.count === '0') return undefined
  return { count: Number(row.count), firstSeqs: row.first.map(Number) }
}
