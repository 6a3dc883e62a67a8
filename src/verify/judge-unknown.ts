import { AuditError } from '../base/errors.js'
import { wireTime } from '../base/wire-time.js'
import type { Finding } from '../chain/finding.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains, UnrecordedChain } from '../ports/domains.js'

/** The chain that is judged, and what the platform chain of the same store can prove. */
export interface UnknownRequest {
  readonly domainId: string
  /** Whether the platform chain was verified and is intact. Absent: chains are not judged by it. */
  readonly isPlatformIntact?: boolean | undefined
  readonly now?: bigint | undefined
}

/**
 * Returns the finding for a chain that the platform chain did not create. Every Domain and its row of the platform chain are
 * written in one transaction.
 */
export function judgeUnknown(known: KnownChains, request: UnknownRequest, end: number): Finding[] {
  const chain = unrecorded(known, request)
  const { isPlatformIntact } = request
  if (chain === undefined || isPlatformIntact === undefined) return []
  if (whyUnproven(known, chain, isPlatformIntact) !== undefined) return []
  const detail = 'the platform chain is intact and did not create this chain'
  return [{ code: 'chain_unknown', seqFrom: 1, seqTo: Math.max(end, 1), detail, rows: 'unknown' }]
}

/** Returns why chains that the platform chain does not record may still belong here: one error of exit code 3 for each. */
export function unknownDoubts(known: KnownChains, request: Omit<UnknownRequest, 'domainId'>): AuditError[] {
  const { isPlatformIntact = false } = request
  return [...(known.unrecorded?.keys() ?? [])].flatMap((domainId) => {
    const chain = unrecorded(known, { ...request, domainId })
    const why = chain === undefined ? undefined : whyUnproven(known, chain, isPlatformIntact)
    return why === undefined ? [] : [notRecorded(domainId, why)]
  })
}

function unrecorded(known: KnownChains, { domainId, now }: UnknownRequest): UnrecordedChain | undefined {
  const chain = known.unrecorded?.get(domainId)
  return chain === undefined || mayStillCome(known, chain, now) ? undefined : chain
}

/** In a mirror the row of the platform chain may be uploaded after the chain's own. A clock that ran ahead hides the order. */
function mayStillCome(
  { lags, platformEnd }: KnownChains,
  { firstAt }: UnrecordedChain,
  now: bigint | undefined,
): boolean {
  if (lags !== true || platformEnd === undefined) return false
  return firstAt === undefined || firstAt >= platformEnd || (now !== undefined && platformEnd > now)
}

/** Returns why the platform chain does not prove that it must record the chain. */
function whyUnproven(
  { platformStart, platformEnd, isPlatformAhead }: KnownChains,
  { firstAt, isArchived }: UnrecordedChain,
  isPlatformIntact: boolean,
): string | undefined {
  if (platformEnd === undefined) return 'the platform chain is not here'
  if (!isPlatformIntact) return 'the platform chain is not intact, or could not be checked'
  if (firstAt === undefined) return undefined
  if (isArchived === true && platformStart !== undefined && firstAt < platformStart) {
    const [start, first] = [wireTime(platformStart), wireTime(firstAt)]
    return `the chain may be restored from another log: its first row, of ${first}, was archived, and the platform chain begins at ${start}`
  }
  if (isPlatformAhead === true)
    return 'the clock of the platform chain was ahead, so the row of this chain may be one that is still to be uploaded'
  if (firstAt <= platformEnd) return undefined
  const [end, first] = [wireTime(platformEnd), wireTime(firstAt)]
  return `the platform chain ends at ${end}, before the first row of the chain at ${first}`
}

function notRecorded(domainId: string, why: string): AuditError {
  return new AuditError(
    'chain_not_recorded',
    `chain ${domainId}: the platform chain does not record that it was created, and cannot show whether it must: ${why}`,
    { advice: { code: 'verify_chain', domainId: PLATFORM_ANCHOR } },
  )
}
