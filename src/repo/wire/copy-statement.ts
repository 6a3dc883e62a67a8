import { COPY_COLUMNS } from './copy-rows.js'

/** Rows of one chain, by seq. */
export interface Segment {
  readonly domainId: string
  /** First row of the segment; 1 is the whole chain from its genesis. */
  readonly fromSeq: number
  /** Default: to the end of the chain. */
  readonly toSeq?: number | undefined
}

/**
 * The rows of a segment and the one before it, ascending. COPY takes no parameters: the id is a checked UUID and the
 * bounds are numbers. A whole chain has no bounds at all. Without the key a seq may be there twice; then the hash says
 * which comes first, for the same findings every time.
 */
export function copyStatement({ domainId, fromSeq, toSeq }: Segment, isKeyed: boolean): string {
  const from = fromSeq > 1 ? ` AND seq >= ${Math.trunc(fromSeq - 1)}` : ''
  const to = toSeq === undefined ? '' : ` AND seq <= ${Math.trunc(toSeq)}`
  return `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry
    WHERE domain_id = '${domainId}'${from}${to} ORDER BY ${isKeyed ? 'seq' : 'seq, entry_hash'}) TO STDOUT (FORMAT binary)`
}
