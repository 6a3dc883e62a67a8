import { isHash } from '../../../chain/hash.js'
import type { OpenChain } from '../append-chains.js'
import { EQ, inSchema, isFormatTime, microsText } from '../qualified-names.js'
import type { LockedHead } from './lock-statements.js'

/** A row at the end of a chain. The time is null where the format cannot hold it. */
export type EndRow = readonly [seq: string, hash: string | null, time: string | null]

/** The end of a chain whose lock is held. */
export interface ChainLook {
  readonly head: LockedHead | undefined
  /** The last two rows, the last row first. */
  readonly end: readonly EndRow[]
  /** The subject_pseudonym of the genesis row. */
  readonly genesis: string | undefined
}

/**
 * Returns the statements for {@link EndRow}s and for the genesis of one chain. To plan two statements of one table each costs
 * a fifth of planning the query that every other append opens chains with.
 */
export function lookStatements(schema: string, domainId: string): [end: string, genesis: string] {
  const rows = `FROM ${inSchema(schema)('audit_log_entry')} WHERE domain_id ${EQ} '${domainId}'`
  const time = `CASE WHEN ${isFormatTime('recorded_at')} THEN ${microsText('recorded_at')} END`
  return [
    `SELECT pg_catalog.json_build_array(seq::pg_catalog.text, pg_catalog.encode(entry_hash, 'hex'), ${time})::pg_catalog.text
    ${rows} ORDER BY seq DESC LIMIT 2`,
    `SELECT pg_catalog.to_json(pg_catalog.encode(subject_pseudonym, 'hex'))::pg_catalog.text ${rows} AND seq ${EQ} 1 LIMIT 1`,
  ]
}

/** Returns a chain whose head, last row and genesis row agree. Returns undefined for any other: it must be opened to be judged. */
export function soundChain({ head, end, genesis }: ChainLook, clock: bigint): OpenChain | undefined {
  const [last, before] = end
  if (head === undefined || last === undefined || !genesis) return undefined
  const [seq, endHash, time] = last
  const [domainId, next, hash] = head
  const [nextSeq, lastSeq] = [Number(next), Number(seq)]
  const agrees = nextSeq === lastSeq + 1 && endHash === hash && before?.[0] !== seq
  if (!agrees || !Number.isSafeInteger(nextSeq) || time === null || !isHash(hash)) return undefined
  const tail = { nextSeq, headHash: hash, recordedAt: BigInt(time), genesisPseudonym: genesis }
  return { domainId, registered: true, lastSeq, clock, tail }
}
