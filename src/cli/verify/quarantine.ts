import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { openQuarantineStore } from '../../compose/quarantine.js'
import type { EntrySource } from '../../ports/verify.js'
import type { Verdict } from '../../verify/verdict.js'
import { type VerifyRequest, verifyChain } from '../../verify/verify-chain.js'
import { note } from '../output/streams.js'
import { onSameLog } from '../shell/given-log.js'
import type { Concluded } from './signed/text.js'

/** A verdict, with what it was made from. */
export interface Verified {
  readonly verdict: Verdict
  readonly concluded: Concluded
  readonly request: VerifyRequest
  readonly source: EntrySource
}

/** Records the findings. A failure to record them is a note and changes no verdict. */
export async function quarantine(verified: Verified, context: Context, signal: AbortSignal): Promise<void> {
  const { verdict, request, source: read } = verified
  if (verdict.findings.length === 0) return
  try {
    const { recordFindings } = await import('../../quarantine/quarantine.js')
    const { widenedFindings } = await import('../../verify/widen-segment.js')
    const verify = (wider: VerifyRequest) => verifyChain(read, wider, () => undefined, signal)
    const findings = await widenedFindings(verdict.findings, request, verify)
    const store = await openQuarantineStore(context)
    const recorded = await recordFindings(store, request.domainId, verdict.source, findings)
    if (recorded === 'not_permitted') note('note: the findings were not quarantined: this role may not write')
    else if (recorded.written > 0)
      note(onSameLog(`${recorded.written} quarantined; see: audit quarantine list --all`))
  } catch (error) {
    note(
      `note: the findings were not quarantined: ${error instanceof AuditError ? error.message : 'it failed'}`,
    )
  }
}
