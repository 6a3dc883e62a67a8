import { CLOCK_TOLERANCE } from '../../chain/row-time.js'
import type { RowsAhead, TimeOrder } from '../../ports/query.js'
import { whereAll } from '../session/by-key.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { seqBounds } from '../time-range/seq-bounds.js'
import { entryConditions } from './entry-conditions.js'

const LATEST = `SELECT ${microsOf("(clock_timestamp() + $1::bigint * interval '1 microsecond')")} AS allowed`

/** Implements EntryReader.countAhead. Where the times are in order, this reads only the rows that are ahead. */
export async function countAhead(client: Client, domainId: string, known?: TimeOrder): Promise<RowsAhead> {
  const clock = await client.query<{ allowed: string }>(LATEST, [CLOCK_TOLERANCE.toString()])
  const allowed = readTime(clock.rows[0]?.allowed ?? '0')
  const after = typeof allowed === 'bigint' ? allowed : 0n
  const values: unknown[] = [domainId]
  const bind = (value: unknown) => `$${values.push(value)}`
  const ahead = { from: after + 1n }
  const where = [
    'domain_id = $1',
    ...entryConditions(ahead, bind, await seqBounds(client, domainId, ahead, known)),
  ]
  const { rows } = await client.query<{ rows: string }>(
    `SELECT count(*)::text AS rows FROM audit_log_entry ${whereAll(where)}`,
    values,
  )
  return { rows: Number(rows[0]?.rows ?? 0), after }
}
