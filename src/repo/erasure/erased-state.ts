import { AuditError } from '../../base/errors.js'
import { LIMITS } from '../../chain/limits.js'
import { formatTimestamp } from '../../chain/timestamp.js'
import type { Placed } from '../../ports/append.js'
import type { Erasure } from '../../ports/erasure.js'
import type { Client } from '../session/database.js'
import { type EndState, undone } from '../session/end-state.js'
import { microsOf } from '../session/read-time.js'
import { byteaArray, withheld } from '../session/written.js'
import { BY_INDEX, contextOf } from './off-chain.js'

/** Whose data an erasure deletes on a chain. */
interface Erased {
  readonly domainId: string
  readonly pseudonyms: readonly string[]
  readonly block: boolean
}

/** Where a chain was when an erasure held its lock. What another program wrote later is no concern of the erasure. */
export interface Moment {
  /** The first row that the erasure did not see, or its own first row. */
  readonly from: number
  /** The last row of the chain then. */
  readonly last: number
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly time: bigint
}

/** An erasure, and when it was done. */
export interface ErasedAt extends Erasure {
  readonly moment: Moment
}

/** Returns the moment of an erasure that these rows record. */
export function momentOf([first, ...more]: readonly Placed[]): Moment {
  if (first === undefined) throw new AuditError('internal', 'a self-audit row was not placed')
  return { from: first.seq, last: (more.at(-1) ?? first).seq, time: first.recordedAt }
}

const NOW = `
  SELECT coalesce(max(seq), 0)::text AS last, ${microsOf('clock_timestamp()')} AS micros
  FROM audit_log_entry WHERE domain_id = $1`

/** Returns the moment of an erasure that appends no row. Call this under the lock of the chain. */
export async function momentNow(client: Client, domainId: string): Promise<Moment> {
  const { rows } = await client.query<{ last: string; micros: string }>(NOW, [domainId])
  const last = Number(rows[0]?.last)
  return { from: last + 1, last, time: BigInt(rows[0]?.micros ?? 0) }
}

/** What is left although it was erased, each as a count. */
interface Left {
  readonly mappings: string
  readonly contexts: string
  readonly keys: string
  readonly unblocked: string
  readonly reasons: string
  readonly reveals: string
}

/**
 * Returns the SELECT of {@link Left}. With the moment of the erasure, it leaves out what another program may have written
 * lawfully since: mappings of a subject that has a later row, contexts and keys of later rows, and the reasons of
 * holds that were released later. No value needs quotes: ids are checked, pseudonyms are hex digits.
 */
function leftOver({ domainId, pseudonyms, block }: Erased, moment?: Moment): string {
  const { from = LIMITS.maxSeq + 1, last = LIMITS.maxSeq, time } = moment ?? {}
  const of = `domain_id = '${domainId}' AND subject_pseudonym = ANY (${byteaArray(pseudonyms)})`
  const released = time === undefined ? '' : `AND released_at < '${formatTimestamp(time)}'::timestamptz`
  return `SELECT
    (SELECT count(*) FROM audit_subject_pii p WHERE ${of} AND NOT EXISTS (
      SELECT FROM audit_log_entry e WHERE e.domain_id = p.domain_id AND e.seq > ${last}
        AND e.subject_pseudonym = p.subject_pseudonym)) AS mappings,
    (SELECT count(*) FROM (SELECT domain_id, seq FROM audit_log_entry WHERE ${of} AND seq < ${from}) AS e
      CROSS JOIN ${contextOf('e')} AS c) AS contexts,
    (SELECT count(*) FROM audit_idempotency_key WHERE ${of} AND seq < ${from}) AS keys,
    ${block ? `${pseudonyms.length} - (SELECT count(*) FROM audit_subject_block WHERE ${of})` : '0'} AS unblocked,
    (SELECT count(*) FROM audit_legal_hold WHERE ${of} AND released_at IS NOT NULL ${released}
      AND (reason <> '' OR release_reason <> '')) AS reasons,
    (SELECT count(*) FROM audit_identity_reveal WHERE ${of} AND seq < ${from}) AS reveals`
}

/** Throws `write_undone` where the statements of an erasure left something. Call this before the row that records it. */
export async function assertNothingLeft(client: Client, erased: Erased): Promise<void> {
  const { rows } = await client.query<Left>(leftOver(erased))
  const left = textOf(rows[0])
  if (left !== '') throw withheld(`${nameOf(erased)}: ${left}`)
}

/**
 * Looks after COMMIT for what is left. A repeated erasure looks too: it may have deleted idempotency keys and reasons of
 * holds, and what an earlier erasure deleted may be there again.
 */
export function erasedState(domainId: string, block: boolean): EndState<ErasedAt> {
  const of = ({ erased }: Erasure): Erased => ({
    domainId,
    pseudonyms: erased.map(({ pseudonym }) => pseudonym),
    block,
  })
  return {
    query: (erasure) => `${BY_INDEX}; ${leftOver(of(erasure), erasure.moment)}`,
    assert: (rows, erasure) => {
      const left = textOf(rows[0] as Left | undefined)
      if (left !== '') throw undone(nameOf(of(erasure)), `${left} were there again`)
    },
    describe: (erasure) => nameOf(of(erasure)),
  }
}

function nameOf({ domainId, pseudonyms }: Erased): string {
  return `the erasure of subject ${pseudonyms.join(', ')} on chain ${domainId}`
}

/** Returns "1 mapping, 2 contexts", or an empty text where nothing is left. */
function textOf(left: Left | undefined): string {
  if (left === undefined) return 'nothing could be read'
  const counts = [
    `${left.mappings} mappings`,
    `${left.contexts} contexts`,
    `${left.keys} idempotency keys`,
    `${left.unblocked} subjects without a block`,
    `${left.reasons} reasons of released holds`,
    `${left.reveals} reasons of reveals`,
  ]
  return counts.filter((count) => !count.startsWith('0 ')).join(', ')
}
