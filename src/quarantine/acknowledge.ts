import { mayBeDamagedChain } from '../append/damaged-chain.js'
import { AuditError } from '../base/errors.js'
import { checkedReason } from '../base/reason-text.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { QuarantineRecord, QuarantineStore } from '../ports/quarantine.js'

export interface SelfAuditRow {
  readonly domainId: string
  readonly relation: string
  /** `quarantine:<id>` */
  readonly object: string
}

/** Appends a self-audit row about the actor. Resolves when the row is durable. */
export type AppendSelfAudit = (row: SelfAuditRow) => Promise<unknown>

/**
 * Marks one record as handled, with a reason and a self-audit row on the chain concerned. The reason is stored beside the
 * record and never hashed, because it may name people. Rejects with `invalid_input`, `quarantine_not_found` and
 * `already_acknowledged`.
 */
export async function acknowledgeQuarantine(
  store: QuarantineStore,
  appendSelfAudit: AppendSelfAudit,
  id: number,
  reason: string,
): Promise<QuarantineRecord> {
  checkedReason(reason)
  // Row first, stamp second: if the process dies in between, the record can be acknowledged again, and no acknowledgement
  // lacks its row.
  return store.acknowledge(id, reason, ({ domainId }) =>
    announce(appendSelfAudit, {
      domainId,
      relation: SELF_AUDIT.quarantineAcknowledge,
      object: `quarantine:${id}`,
    }),
  )
}

/** Appends the row to the platform chain if the chain concerned is too damaged for an append. */
async function announce(append: AppendSelfAudit, row: SelfAuditRow): Promise<void> {
  try {
    await append(row)
  } catch (error) {
    const damaged = error instanceof AuditError && mayBeDamagedChain(error.code)
    if (!damaged || row.domainId === PLATFORM_ANCHOR) throw error
    await append({ ...row, domainId: PLATFORM_ANCHOR }).catch(() => {
      throw error
    })
  }
}
