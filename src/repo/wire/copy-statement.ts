import { COPY_COLUMNS } from './copy-rows.js'

/** A range of the rows of one chain. */
export interface Segment {
  readonly domainId: string
  /** The first row of the segment. The genesis row is 1. */
  readonly fromSeq: number
  /** The last row of the segment. Default: the last row of the chain. */
  readonly toSeq?: number | undefined
}

/**
 * Returns a COPY of the rows of a segment and the row before it, ascending. COPY takes no parameters, so the id must be a
 * checked UUID and the bounds numbers. For a whole chain there are no bounds. Without the primary key a seq may occur
 * twice: the hash then decides the order, so that the findings are the same every time.
 */
export function copyStatement({ domainId, fromSeq, toSeq }: Segment, isKeyed: boolean): string {
  const from = fromSeq > 1 ? ` AND seq >= ${Math.trunc(fromSeq - 1)}` : ''
  const to = toSeq === undefined ? '' : ` AND seq <= ${Math.trunc(toSeq)}`
  return `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry
    WHERE domain_id = '${domainId}'${from}${to} ORDER BY ${isKeyed ? 'seq' : 'seq, entry_hash'}) TO STDOUT (FORMAT binary)`
}
