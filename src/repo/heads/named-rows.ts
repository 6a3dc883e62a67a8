import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { NamedHead } from '../../ports/log/heads.js'
import type { Client } from '../session/database.js'
import { WITHOUT_SORT } from '../signer/signed-rows.js'
import { firstSeq } from '../time-range/first-seq.js'

const { checkpoint } = SIGNED_RELATION
const ON_PLATFORM = `domain_id = '${PLATFORM_ANCHOR}'`
/** Most heads that the index names of one chain, and most days. */
const [MOST_NAMED, MOST_DAYS] = [64, 1_000]

/** The newest heads of a chain in the index of the signer, with the rows of the platform chain that have them. */
const NAMED = `
  SELECT size, platform_seq AS seq FROM audit_checkpoint
  WHERE domain_id = $1 AND incarnation = 1 AND platform_seq IS NOT NULL ORDER BY size DESC LIMIT ${MOST_NAMED}`

const lastRow = (condition: string) => `
  SELECT seq, recorded_at FROM audit_log_entry
  WHERE ${ON_PLATFORM} AND relation >= '${checkpoint}' AND relation <= '${checkpoint}' ${condition}
  ORDER BY relation DESC, seq DESC LIMIT 1`

/** Steps from day to day. The seq descends with each step, whatever times were forced into the table. */
const LAST_OF_DAYS = `
  WITH RECURSIVE days AS (
    (${lastRow('')})
    UNION ALL
    SELECT before.seq, before.recorded_at FROM days
    CROSS JOIN LATERAL (
      SELECT ${firstSeq(`'${PLATFORM_ANCHOR}'`, ">= date_trunc('day', days.recorded_at, 'UTC')")} AS seq) AS begun
    CROSS JOIN LATERAL (${lastRow('AND seq < begun.seq AND seq < days.seq')}) AS before
  )
  SELECT seq FROM days LIMIT ${MOST_DAYS}`

/** Returns the largest heads that the index names for a chain, largest first. Everybody who may write the index can name any row. */
export async function namedHeads(client: Client, domainId: string): Promise<NamedHead[]> {
  const { rows } = await client.query<{ size: string; seq: string }>(NAMED, [domainId])
  return rows.map(({ size, seq }) => ({ size: Number(size), seq: Number(seq) }))
}

/** The rows of the platform chain have its head only after a Domain grew. */
const PLATFORM_NOTES = `
  SELECT note FROM audit_checkpoint WHERE ${ON_PLATFORM} AND incarnation = 1 ORDER BY size DESC LIMIT ${MOST_NAMED}`

/** Returns the largest notes of the platform chain in the index, largest first. */
export async function platformNotes(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ note: string }>(PLATFORM_NOTES)
  return rows.map(({ note }) => note)
}

/** Returns the seqs of the last row with heads of each UTC day. */
export async function lastRowsOfDays(client: Client): Promise<number[]> {
  await client.query(WITHOUT_SORT)
  const { rows } = await client.query<{ seq: string }>(LAST_OF_DAYS)
  return rows.map(({ seq }) => Number(seq))
}
