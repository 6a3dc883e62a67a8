import type { Client } from '../session/database.js'
import { firstUnstamped, lastOf, VALID_SEQ } from './unstamped-rows.js'

/** Rows that one query compares with the stamps above the watermark. */
export const LOOK_AHEAD = 10_000

/** The watermark only grows, and a larger one of another archiver stays. */
const RAISE = `
  ON CONFLICT (domain_id) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > w.seq`

const STORED = 'coalesce((SELECT seq FROM audit_archive_watermark WHERE domain_id = $1), 0)'

/** Raises the watermark to $2 where it is not below $3 - 1: the rows from $3 to $2 were all stamped just now. */
const FOLLOW = `
  INSERT INTO audit_archive_watermark AS w (domain_id, seq) SELECT $1, $2::bigint WHERE ${STORED} >= $3::bigint - 1 ${RAISE}`

/** Raises the watermark over the rows up to $2 that have a stamp. */
const PASS = `
  INSERT INTO audit_archive_watermark AS w (domain_id, seq)
  SELECT $1::uuid, reached FROM (
    SELECT coalesce(
      (${firstUnstamped('$1', 'stored', LOOK_AHEAD, 'AND seq <= $2')}) - 1,
      least((${lastOf('$1', 'stored', LOOK_AHEAD)}), $2)) AS reached
    FROM (SELECT ${STORED} AS stored OFFSET 0) AS old
  ) AS new WHERE reached > 0 ${RAISE}`

const SET = `INSERT INTO audit_archive_watermark AS w (domain_id, seq) SELECT $1, $2::bigint WHERE $2 > 0 ${RAISE}`

/** `isWhole`: whether every seq from the first to the last has got its stamp now. */
export interface JustStamped {
  readonly domainId: string
  readonly first: number
  readonly last: number
  readonly isWhole: boolean
}

/** Raises the watermark of a chain as far as every row below has a stamp, at most to the last row that was stamped now. */
export async function passWatermark(
  client: Client,
  { domainId, first, last, isWhole }: JustStamped,
): Promise<void> {
  const hasFollowed = isWhole && (await client.query(FOLLOW, [domainId, last, first])).rowCount === 1
  if (!hasFollowed) await client.query(PASS, [domainId, last])
}

/** Raises the watermark of a chain to a seq up to which every row is known to have a stamp. */
export async function raiseWatermark(client: Client, domainId: string, seq: number): Promise<void> {
  await client.query(SET, [domainId, seq])
}

/** Compares with the last row, since a watermark beyond it hides every row that is still to come. */
const HIDES = `
  SELECT stored > (SELECT coalesce(max(seq), 0) FROM audit_log_entry WHERE domain_id = $1 AND ${VALID_SEQ})
    OR next <= stored OR next >= (SELECT coalesce(max(next_seq), 0) FROM audit_log_chain_head WHERE domain_id = $1) AS hides
  FROM (SELECT ${STORED} AS stored, (${firstUnstamped('$1', '$2', 1)}) AS next OFFSET 0) AS now`

/** Returns whether the watermark or the head hides rows after `seq`, up to which every row has a stamp. */
export async function hidesRows(client: Client, domainId: string, seq: number): Promise<boolean> {
  const { rows } = await client.query<{ hides: boolean | null }>(HIDES, [domainId, seq])
  return rows[0]?.hides === true
}
