import { isChainDamaged } from '../append/damaged-chain.js'
import { AuditError } from '../base/errors.js'
import { textProblem } from '../chain/limits.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { QuarantineRecord, QuarantineStore } from '../ports/quarantine.js'

export interface SelfAuditRow {
  readonly domainId: string
  readonly relation: string
  /** `quarantine:<id>` */
  readonly object: string
}

/** Appends a row about the actor; resolves when it is durable. */
export type AppendSelfAudit = (row: SelfAuditRow) => Promise<unknown>

/** In UTF-8. */
const REASON_BYTES = 1024

/**
 * Marks one record as handled, for the given reason, with a self-audit row on the chain concerned. The reason is kept
 * beside the record and never hashed: it may name people. Rejects with `invalid_input`, `quarantine_not_found`,
 * `already_acknowledged`.
 */
export async function acknowledgeQuarantine(
  store: QuarantineStore,
  appendSelfAudit: AppendSelfAudit,
  id: number,
  reason: string,
): Promise<QuarantineRecord> {
  const problem = reason.trim() === '' ? 'expected a text' : textProblem(reason, 1, REASON_BYTES)
  if (problem !== undefined) throw new AuditError('invalid_input', `reason: ${problem}`)
  // Row first, stamp second: dying in between leaves a record that can be acknowledged again, never a silent one.
  return store.acknowledge(id, reason, ({ domainId }) =>
    announce(appendSelfAudit, {
      domainId,
      relation: SELF_AUDIT.quarantineAcknowledge,
      object: `quarantine:${id}`,
    }),
  )
}

/** A chain may be too damaged to take a row, which is what its record is about; then the platform chain takes it. */
async function announce(append: AppendSelfAudit, row: SelfAuditRow): Promise<void> {
  try {
    await append(row)
  } catch (error) {
    const damaged = error instanceof AuditError && isChainDamaged(error.code)
    if (!damaged || row.domainId === PLATFORM_ANCHOR) throw error
    await append({ ...row, domainId: PLATFORM_ANCHOR }).catch(() => {
      throw error
    })
  }
}
