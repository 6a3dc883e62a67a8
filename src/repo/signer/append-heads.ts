import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { NewRow } from '../../ports/append.js'
import type { AppendGuard, HeadsRow } from '../../ports/signer.js'
import { appendUnderLocks } from '../append/append.js'
import { underLocks } from '../append/under-locks.js'
import type { Client, Database } from '../session/database.js'
import { written } from '../session/written.js'
import { rowsAtHead } from './rows-at-head.js'
import { areIndexed, insertHeads } from './signed-heads.js'

/** The pseudonym in row 1 of the platform chain, and whether there is any row or head. */
const FIRST = `
  SELECT encode((SELECT subject_pseudonym FROM audit_log_entry WHERE domain_id = $1 AND seq = 1 LIMIT 1), 'hex') AS subject,
    EXISTS (SELECT FROM audit_log_entry WHERE domain_id = $1)
      OR EXISTS (SELECT FROM audit_log_chain_head WHERE domain_id = $1) AS begun`

/**
 * Implements SignerStore.append. A process that dies before COMMIT leaves neither a row nor a head of the index; the signer's
 * own records are larger than the index then, and the next pass appends the heads again.
 */
export async function appendHeads(
  database: Database,
  rows: readonly HeadsRow[],
  guard: AppendGuard | undefined,
): Promise<number[]> {
  if (rows.length === 0) return []
  const heads = rows.flatMap((row) => row.heads)
  const use = async (client: Client) => {
    if (guard !== undefined) guard.judge(await rowsAtHead(client, PLATFORM_ANCHOR, guard.size))
    const subject = await firstSubject(client)
    const genesisPseudonyms = new Map([[PLATFORM_ANCHOR, subject]])
    const placed = await appendUnderLocks(client, {
      rows: rows.map(({ row }) => signedRow(row, subject)),
      genesisPseudonyms,
    })
    const seqs = placed.map(({ seq }) => seq)
    await insertHeads(
      client,
      rows.flatMap((row, at) => row.heads.map((head) => ({ ...head, platformSeq: seqs[at] }))),
    )
    return seqs
  }
  const isIndexed = written<number[]>(() => (heads.length === 0 ? undefined : areIndexed(heads)))
  return underLocks(database, [PLATFORM_ANCHOR], use, isIndexed)
}

/** Returns '' for a damaged platform chain, which then refuses the append and says why. */
async function firstSubject(client: Client): Promise<string> {
  const { rows } = await client.query<{ subject: string | null; begun: boolean }>(FIRST, [PLATFORM_ANCHOR])
  if (rows[0]?.begun !== true) {
    throw new AuditError('nothing_to_sign', 'the log has no platform chain yet', {
      advice: { code: 'create_domain' },
    })
  }
  return rows[0].subject ?? ''
}

/** Only relation, object and items are signed. The other fields are the same in every signed row (tlog.md, section 4). */
function signedRow({ relation, object, relationPath }: HeadsRow['row'], subjectPseudonym: string): NewRow {
  return {
    domainId: PLATFORM_ANCHOR,
    subjectPseudonym,
    relation,
    object,
    reason: 'granted',
    relationPath,
    caveatContext: [],
    correlationId: '',
    zedtoken: '',
  }
}
