import { formatTimestamp } from '../../chain/timestamp.js'
import type { EntryFilter, TimeOrder } from '../../ports/query.js'
import type { Client } from '../session/database.js'
import { firstSeq } from './first-seq.js'
import { isBroken, MAY_READ } from './time-order.js'

/** The range of seqs that a time range is, as text. An absent bound limits nothing. */
export interface SeqBounds {
  /** The first seq of the range. */
  readonly first?: string | undefined
  /** The seq after the last one of the range. */
  readonly end?: string | undefined
}

/**
 * Returns the range of seqs that holds the rows of a time range; no bounds without a time range. Where the order of the times is
 * broken, returns no bounds either, so that every row is read. The caller compares each row's own time in any case. `known` is the order
 * of the times where the caller has asked for it; without it, this asks.
 */
export async function seqBounds(
  client: Client,
  domainId: string,
  { from, to }: Pick<EntryFilter, 'from' | 'to'>,
  known?: TimeOrder,
): Promise<SeqBounds> {
  if ((from === undefined && to === undefined) || known === 'broken') return {}
  const values: unknown[] = [domainId]
  const search = (operator: string, micros: bigint | undefined) =>
    micros === undefined
      ? 'NULL'
      : firstSeq('$1', `${operator} $${values.push(formatTimestamp(micros))}::timestamptz`)
  const { rows } = await client.query<{ may: boolean; first: string | null; end: string | null }>(
    `SELECT ${MAY_READ} AS may, ${search('>=', from)}::text AS first, ${search('>', to)}::text AS end`,
    values,
  )
  const [found] = rows
  if (found === undefined) return {}
  if (known === undefined && found.may && (await isBroken(client, domainId))) return {}
  return { first: found.first ?? undefined, end: found.end ?? undefined }
}
