import { AuditError } from '../../base/errors.js'
import type { SigningStatus } from '../../signer/signing-status.js'
import type { Context } from '../context.js'

/** Returns how far a chain is signed. */
export type ReadSigningStatus = (domainId: string) => Promise<SigningStatus>

/**
 * Opens the index of signed heads. Resolves with undefined for a log that was never signed, and for a role that may not read the
 * index: an archiver without a key needs no privilege on it.
 */
export async function openSigningStatus(context: Context): Promise<ReadSigningStatus | undefined> {
  const [{ postgresSigningLedger }, { signingStatus }] = await Promise.all([
    import('../../repo/signer/signed-state.js'),
    import('../../signer/signing-status.js'),
  ])
  const ledger = postgresSigningLedger(await context.database())
  if (!(await mayRead(ledger.isSigned()))) return undefined
  return async (domainId) => signingStatus(await ledger.facts(domainId))
}

async function mayRead(isSigned: Promise<boolean>): Promise<boolean> {
  try {
    return await isSigned
  } catch (error) {
    if (error instanceof AuditError && error.code === 'database_permission_denied') return false
    throw error
  }
}
