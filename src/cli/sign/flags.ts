import { AuditError } from '../../base/errors.js'
import { SIGNED_OVER_REASONS, type SignedOverReason } from '../../chain/log/signed-row.js'

interface OverFlags {
  readonly 'over-findings'?: boolean
  readonly reason?: string | undefined
  readonly confirm?: boolean
}

/** Why rows are signed over, and whether the operator confirmed it. */
export interface OverRequest {
  readonly reason: SignedOverReason
  readonly isConfirmed: boolean
}

/**
 * Returns the reason to sign over the rows that are in the way, or undefined where nothing is to be signed over. Throws `usage` for
 * flags that are not enough, or exclude each other.
 */
export function parseOver(chain: string, flags: OverFlags): OverRequest | undefined {
  const { 'over-findings': over = false, reason, confirm = false } = flags
  if (!over) {
    if (reason !== undefined || confirm)
      throw new AuditError('usage', '--reason and --confirm are for --over-findings')
    return undefined
  }
  if (chain === 'all')
    throw new AuditError('usage', '--over-findings signs over the rows of one chain: --domain or --platform')
  const known = SIGNED_OVER_REASONS.find((one) => one === reason)
  if (known === undefined)
    throw new AuditError('usage', `--over-findings needs --reason: ${SIGNED_OVER_REASONS.join(', ')}`)
  return { reason: known, isConfirmed: confirm }
}
