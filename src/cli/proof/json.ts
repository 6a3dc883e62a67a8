import type { ChainedEntry } from '../../chain/entry.js'
import { reasonOrdinal } from '../../chain/reason.js'
import { type AuditEntry, auditEntry } from '../../json/entry.js'
import type { ProofResult } from '../../proof/verify-proof.js'

/** The document that `verify-proof --json` prints. */
export function proofJson(result: ProofResult): object {
  if (result.code !== 'proven') return { proven: false, code: result.code, problem: result.problem }
  const { domainId, seq, entryHash, size, log, witnesses, entry } = result
  return {
    proven: true,
    code: result.code,
    domain_id: domainId,
    seq,
    entry_hash: entryHash,
    signed: { origin: log.name, key_id: log.id, size },
    witnesses: witnesses.map(({ name, id }) => ({ name, key_id: id })),
    ...(entry && { entry: provenEntry(entry) }),
  }
}

/** Returns a row as `get` prints it. */
export function provenEntry(row: ChainedEntry): AuditEntry {
  return auditEntry({ ...row, reason: reasonOrdinal(row.reason) })
}
