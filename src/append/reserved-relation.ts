import { AuditError } from '../base/errors.js'
import { SIGNED_RELATION } from '../chain/log/signed-row.js'

/** A relation of statements that only the log itself may make. Nothing writes it yet. */
const DECLARED_LOSS = 'audit.declared-loss'

/** The relations that only the log itself writes (tlog.md, section 4). */
export const RESERVED_RELATIONS: readonly string[] = [...Object.values(SIGNED_RELATION), DECLARED_LOSS]

/**
 * Throws `relation_reserved` for a relation that only the log itself writes. This is a courtesy to honest callers: every role
 * that may append can write such rows with SQL, and only a signature makes one of them count.
 */
export function assertNotReserved(relation: string): void {
  if (!RESERVED_RELATIONS.includes(relation)) return
  throw new AuditError('relation_reserved', `relation: only the log itself writes ${relation}`, {
    advice: { code: 'choose_other_relation' },
  })
}
