import { LIMITS } from '../../chain/limits.js'
import type { RowsAtHead } from '../../ports/signer.js'
import type { Client } from '../session/database.js'

/** Columns: the last row of the chain $1, and whether a restore of it runs. A chain with a head is restored completely. */
export const LAST_AND_RESTORING = `
  (SELECT max(seq) FROM audit_log_entry WHERE domain_id = $1 AND seq <= ${LIMITS.maxSeq}) AS last,
  EXISTS (SELECT FROM audit_restore WHERE domain_id = $1)
    AND NOT EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1) AS restoring`

/** An owner of the table can drop every constraint, so a seq may have several rows, and a row no hash. */
const AT_HEAD = `
  SELECT ${LAST_AND_RESTORING},
    ARRAY(SELECT coalesce(encode(entry_hash, 'hex'), '') FROM audit_log_entry
      WHERE domain_id = $1 AND seq = $2) AS entry_hashes,
    ARRAY(SELECT coalesce(encode(prev_hash, 'hex'), '') FROM audit_log_entry
      WHERE domain_id = $1 AND seq = $2 + 1) AS next_prev_hashes`

interface AtHeadRow {
  readonly last: string | null
  readonly restoring: boolean
  readonly entry_hashes: string[]
  readonly next_prev_hashes: string[]
}

/** Reads what a chain has at a size that was signed. Under the lock of the chain nothing changes it before COMMIT. */
export async function rowsAtHead(client: Client, domainId: string, size: number): Promise<RowsAtHead> {
  const { rows } = await client.query<AtHeadRow>(AT_HEAD, [domainId, size])
  const [row] = rows
  return {
    lastSeq: Number(row?.last ?? 0),
    isRestoring: row?.restoring === true,
    entryHashes: row?.entry_hashes ?? [],
    nextPrevHashes: row?.next_prev_hashes ?? [],
  }
}
