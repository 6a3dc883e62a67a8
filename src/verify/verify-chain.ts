import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import { type Finding, inOrder } from '../chain/finding.js'
import { ZERO_HASH } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import { LIMITS } from '../chain/limits.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { EntrySource, Scan, ScanProgress } from '../ports/verify.js'
import { judgeRegistry } from './judge-registry.js'
import { isStillToCome, restoreUnfinished } from './restore-in-progress.js'
import type { Verdict } from './verdict.js'

export interface VerifyRequest {
  readonly domainId: string
  /** First row of the segment; 1 is the whole chain from its genesis. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /** Heads known from elsewhere, which must be in the chain. */
  readonly pins: readonly ChainHead[]
  /** All known chains, when every chain is verified. The chain is then checked against them too. */
  readonly known?: KnownChains | undefined
}

/**
 * Recomputes one segment of one chain from one source. Rejects with `domain_not_found` if the chain does not exist, with
 * `nothing_to_verify` if the segment has no rows, and with the source's error if something cannot be read. Without a
 * finding it also rejects with `restore_unfinished` for a chain that is being restored, and with `generation_unknown` if a
 * row cannot be checked.
 */
export async function verifyChain(
  source: EntrySource,
  request: VerifyRequest,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Verdict> {
  const begun = performance.now()
  assertPins(request)
  const scan = await source.scan(request, progress, signal)
  const end = Math.max(scan.end ?? 0, scan.last?.seq ?? 0, scan.head?.seq ?? 0)
  assertSomething(source, scan, request, end)
  const judged = [...scan.fold.findings, ...judgeWhole(source, scan, request, end)]
  const known = request.known === undefined ? [] : judgeRegistry(request.known, request, scan, judged, end)
  const findings = inOrder([...judged, ...known].filter((finding) => !isStillToCome(finding, scan)))
  if (findings.length === 0) assertChecked(request.domainId, scan)
  return toVerdict(source, request, scan, findings, end, performance.now() - begun)
}

/** Throws if the absence of findings does not prove that the segment is intact. */
function assertChecked(domainId: string, scan: Scan): void {
  if (scan.restoring !== undefined) throw restoreUnfinished(domainId, scan)
  const { unchecked } = scan.fold
  if (unchecked === undefined) return
  throw new AuditError(
    'generation_unknown',
    `row ${unchecked.seq} is of generation ${unchecked.generation}, which this program does not know`,
    {
      advice: { code: 'upgrade_or_find_intruder' },
    },
  )
}

function assertPins({ pins, fromSeq, toSeq }: VerifyRequest): void {
  for (const pin of pins) {
    if (pin.seq >= fromSeq - 1 && pin.seq <= (toSeq ?? pin.seq)) continue
    throw new AuditError('usage', `the pinned head ${pin.seq} lies outside the segment`, {
      advice: { code: 'pin_within_segment' },
    })
  }
}

/** Throws if there is nothing to judge. A chain without rows is judged if something mentions it, or has a finding. */
function assertSomething(source: EntrySource, scan: Scan, request: VerifyRequest, end: number): void {
  if (end === 0 && scan.fold.rows === 0) {
    const isNamed = scan.known || scan.restoring !== undefined || request.pins.length > 0
    const isOwnerless = request.domainId === PLATFORM_ANCHOR && request.known?.ownerless !== undefined
    if (isNamed || isOwnerless || scan.fold.findings.length > 0) return
    throw new AuditError('domain_not_found', `there is no chain ${request.domainId} in ${source.name}`, {
      advice: { code: 'find_chain', copy: source.name },
    })
  }
  const asked = request.toSeq ?? request.fromSeq
  if (asked <= end && request.fromSeq <= end) return
  throw new AuditError(
    'nothing_to_verify',
    `the chain ends at ${end}, before row ${Math.max(asked, request.fromSeq)}`,
  )
}

/**
 * Returns the findings that only the whole chain can show: a head that is not the last row, and a chain that is missing.
 * A complete segment that ends before the end of the chain is not judged by the head.
 */
function judgeWhole(source: EntrySource, scan: Scan, request: VerifyRequest, end: number): Finding[] {
  const { toSeq = end } = request
  if (scan.last === undefined && scan.head === undefined) return scan.known ? [missing()] : []
  if (!source.keepsHead || (toSeq < end && toSeq <= (scan.last?.seq ?? 0))) return []
  const finding = judgeHead(scan.head, scan.last)
  return finding === undefined ? [] : [finding]
}

function missing(): Finding {
  return {
    code: 'chain_missing',
    seqFrom: 1,
    seqTo: 1,
    detail: 'the Domain was created, but it has no rows',
  }
}

function toVerdict(
  source: EntrySource,
  request: VerifyRequest,
  scan: Scan,
  findings: readonly Finding[],
  end: number,
  durationMs: number,
): Verdict {
  const { rows, last } = scan.fold
  return {
    ok: findings.length === 0,
    domainId: request.domainId,
    source: source.name,
    segmentFrom: request.fromSeq,
    segmentTo: request.toSeq ?? Math.min(end, LIMITS.maxSeq),
    rows,
    unarchived: scan.unarchived,
    head: last ?? { seq: 0, hash: ZERO_HASH },
    findings,
    durationMs,
  }
}
