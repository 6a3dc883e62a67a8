import type { StampedBatch } from '../../ports/archive.js'
import { countsFor, INSERT_STAMPS } from '../session/archive-stamp.js'
import type { Client, Database } from '../session/database.js'
import { type EndState, undone } from '../session/end-state.js'
import { passWatermark } from './watermark.js'

/**
 * The rows from a seq to another without a stamp that counts; rows between those of the batch may be held back. A row that was
 * deleted since it was uploaded needs no stamp. Both sides have the bounds, so that neither is probed once a row.
 */
const uncounted = (domainId: string, first: string | number, last: string | number) => `
  SELECT e.seq, EXISTS (SELECT FROM audit_archive_stamp o WHERE o.domain_id = e.domain_id AND o.seq = e.seq) AS has_stamp
  FROM audit_log_entry e
  LEFT JOIN audit_archive_stamp s ON s.domain_id = ${domainId} AND s.seq = e.seq
    AND s.seq BETWEEN ${first} AND ${last} AND ${countsFor('e', 's')}
  WHERE e.domain_id = ${domainId} AND e.seq BETWEEN ${first} AND ${last} AND s.seq IS NULL ORDER BY e.seq`

/** Deletes the stamps of a chain that do not count. psql runs the statements in one transaction. */
const removal = (domainId: string) =>
  [
    'ALTER TABLE audit_archive_stamp DISABLE TRIGGER USER',
    `DELETE FROM audit_archive_stamp s USING audit_log_entry e WHERE s.domain_id = '${domainId}' AND e.domain_id = s.domain_id AND e.seq = s.seq AND NOT ${countsFor('e', 's')}`,
    'ALTER TABLE audit_archive_stamp ENABLE TRIGGER USER',
  ].join('; ')

interface UncountedRow {
  readonly seq: string
  readonly has_stamp: boolean
}

/**
 * Stamps the rows of one batch and raises the watermark, in one transaction. Throws `write_undone` where a row has no stamp
 * after COMMIT.
 */
export function stampRows(
  database: Database,
  domainId: string,
  stamps: readonly { readonly seq: number; readonly etag: string }[],
): Promise<StampedBatch> {
  const seqs = stamps.map(({ seq }) => seq)
  const [first, last] = [Math.min(...seqs), Math.max(...seqs)]
  const stamp = async (client: Client): Promise<StampedBatch> => {
    const values = [domainId, seqs, stamps.map(({ etag }) => etag), first, last]
    const stamped = (await client.query(INSERT_STAMPS, values)).rowCount ?? 0
    const refused = stamped === seqs.length ? [] : await refusedOf(client, domainId, seqs, first, last)
    await passWatermark(client, { domainId, first, last, isWhole: stamped === last - first + 1 })
    return { stamped, refused, removal: removal(domainId) }
  }
  return database.write(stamp, stampedState(domainId, seqs, first, last))
}

/** Returns the rows that have a stamp which does not count. A stamp is never changed, so they cannot get another one. */
async function refusedOf(
  client: Client,
  domainId: string,
  seqs: readonly number[],
  first: number,
  last: number,
): Promise<number[]> {
  const { rows } = await client.query<UncountedRow>(uncounted('$1', '$2', '$3'), [domainId, first, last])
  return rows
    .filter(({ seq, has_stamp }) => has_stamp && seqs.includes(Number(seq)))
    .map(({ seq }) => Number(seq))
}

/** A row that was stamped meanwhile, by another archiver, has a stamp too: how many rows were inserted says nothing. */
function stampedState(
  domainId: string,
  seqs: readonly number[],
  first: number,
  last: number,
): EndState<StampedBatch> {
  const what = `the stamps of rows ${first} to ${last} of chain ${domainId}`
  return {
    query: () => uncounted(`'${domainId}'`, first, last),
    assert: (rows, { refused }) => {
      const row = rows.find(({ seq }) => seqs.includes(Number(seq)) && !refused.includes(Number(seq)))
      if (row !== undefined) throw undone(what, `row ${String(row.seq)} had no stamp`)
    },
    describe: () => what,
  }
}
