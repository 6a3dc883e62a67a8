import { AuditError } from '../base/errors.js'
import { mirrorFailure } from '../base/store-failure.js'
import type { PinnedHead } from '../chain/entry.js'
import { type Finding, inOrder } from '../chain/finding.js'
import type { Unchecked } from '../chain/fold.js'
import { ZERO_HASH } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import { LIMITS } from '../chain/limits.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { StatedHeads } from '../ports/log/heads.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'
import { archiveDoubts } from './archive-doubts.js'
import { endProof, pinnedThrough } from './end/end-proof.js'
import { judgeRegistry } from './judge-registry.js'
import { judgeUnknown } from './judge-unknown.js'
import { isStillToCome, restoreUnfinished } from './restore-in-progress.js'
import { headsOf, isSignedBeyond, judgeSigned, withSignedSize } from './signed/judge-signed.js'
import { marksOf } from './signed/narrow-heads.js'
import { isBeyondStandby, standbyBehind } from './standby.js'
import type { Verdict } from './verdict.js'

export interface VerifyRequest {
  readonly domainId: string
  /** First row of the segment; 1 is the whole chain from its genesis. */
  readonly fromSeq: number
  readonly toSeq?: number | undefined
  /** Heads known from elsewhere, which must be in the chain. */
  readonly pins: readonly PinnedHead[]
  /** Milliseconds. Rows that are older and not archived leave the verdict unproven. */
  readonly maxUnarchived?: number | undefined
  /** The clock of this machine, in microseconds since 1970, to see which rows are ahead of it. */
  readonly now?: bigint | undefined
  /** Receives the rows while they are verified. See ScanRequest. */
  readonly observer?: ScanRequest['observer']
  /** False leaves out what the verdict says about archive stamps, where neither a pin nor `maxUnarchived` asks for it. See ScanRequest. */
  readonly readsArchive?: boolean | undefined
  /** Whether the platform chain was verified and is intact, when every chain is verified. See judge-unknown.ts. */
  readonly isPlatformIntact?: boolean | undefined
  /** The signed heads of the chain, read before its rows. Absent: the run looks for none. */
  readonly signed?: StatedHeads | undefined
  /** All known chains, when every chain is verified. The chain is then checked against them too. */
  readonly known?: KnownChains | undefined
}

/**
 * Recomputes one segment of one chain from one source. Rejects with `domain_not_found` if the chain does not exist, with
 * `nothing_to_verify` if the segment has no rows, and with the source's error if something cannot be read. Without a
 * finding it also rejects with the first doubt, for instance with `restore_unfinished` for a chain that is being restored,
 * and with `generation_unknown` if a row cannot be checked.
 */
export async function verifyChain(
  source: EntrySource,
  request: VerifyRequest,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Verdict> {
  const begun = performance.now()
  assertPins(request)
  const heads = headsOf(request)
  const asked = heads === undefined ? request : { ...request, heads: marksOf(heads) }
  const scan = await source.scan(asked, progress, signal)
  const isWhole = scan.isCut !== true
  const end = endOf(scan, request)
  if (isWhole) assertSomething(source, scan, request, end)
  const judged = [...scan.fold.findings, ...(isWhole ? judgeWhole(source, scan, request, end) : [])]
  const isKnown = isWhole && request.known !== undefined
  const known = isKnown ? judgeRegistry(request.known, request, scan, judged, end) : []
  const unknown = request.known === undefined ? [] : judgeUnknown(request.known, request, end)
  const signed = await judgeSigned(source, request, { scan, findings: judged, end }, signal)
  const found = [...judged, ...signed.findings, ...known, ...unknown]
    .map((finding) => withLastRows(finding, scan))
    .map((finding) => withSignedSize(finding, signed.signatures))
  const beyond = found.filter((finding) => isBeyondStandby(finding, scan))
  const findings = inOrder(
    found.filter((finding) => !isStillToCome(finding, scan) && !beyond.includes(finding)),
  )
  const doubts = [
    ...beyond.slice(0, 1).map(({ seqFrom }) => standbyBehind(request.domainId, scan, seqFrom)),
    ...doubtsAbout(request.domainId, scan),
    ...archiveDoubts(source.name, scan, request),
    ...signed.doubts,
  ]
  if (findings.length === 0 && doubts[0] !== undefined) throw doubts[0]
  const verdict = toVerdict(source, request, scan, { findings, doubts }, end, performance.now() - begun)
  return signed.signatures === undefined ? verdict : { ...verdict, signatures: signed.signatures }
}

function endOf({ isCut, fold, end, last, head }: Scan, { fromSeq }: VerifyRequest): number {
  if (isCut === true) return fold.last?.seq ?? fromSeq
  return Math.max(end ?? 0, last?.seq ?? 0, head?.seq ?? 0)
}

/** Returns the reasons why the absence of findings would not prove that the segment is intact. */
function doubtsAbout(domainId: string, scan: Scan): AuditError[] {
  const { unchecked } = scan.fold
  return [
    ...(scan.restoring === undefined ? [] : [restoreUnfinished(domainId, scan)]),
    ...(unchecked === undefined ? [] : [generationUnknown(unchecked)]),
    ...(scan.doubts ?? []),
  ]
}

function generationUnknown({ seq, generation }: Unchecked): AuditError {
  return new AuditError(
    'generation_unknown',
    `row ${seq} is of generation ${generation}, which this program does not know`,
    { advice: { code: 'upgrade_or_find_intruder' } },
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
    assertMirrorRead(scan)
    throw new AuditError('domain_not_found', `there is no chain ${request.domainId} in ${copiesOf(source)}`, {
      advice: { code: 'find_chain', copy: source.name },
    })
  }
  const asked = request.toSeq ?? request.fromSeq
  if (asked <= end && request.fromSeq <= end) return
  if (scan.isStandby === true) throw standbyBehind(request.domainId, scan, Math.max(asked, request.fromSeq))
  // The rows were signed, so that their absence is a finding.
  if (isSignedBeyond(request, end)) return
  assertMirrorRead(scan)
  throw new AuditError(
    'nothing_to_verify',
    `the chain ends at ${end}, before row ${Math.max(asked, request.fromSeq)}`,
  )
}

function copiesOf({ name, mirror }: EntrySource): string {
  if (mirror === undefined) return name
  return name === 'both' ? `PostgreSQL or the mirror ${mirror}` : `the mirror ${mirror}`
}

/** Throws the error of a mirror that could not be read: the rows that PostgreSQL does not have may be there. */
function assertMirrorRead({ doubts = [] }: Scan): void {
  for (const doubt of doubts) if (mirrorFailure(doubt) !== undefined) throw doubt
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

/** Returns a finding about the end of the chain with the last rows that were read. */
function withLastRows(finding: Finding, { fold }: Scan): Finding {
  const { lastRows = [], last } = fold
  const isAboutEnd =
    finding.code === 'head_mismatch' ||
    finding.code === 'checkpoint_rollback' ||
    (finding.code === 'unexpected_head' && finding.seqFrom > (last?.seq ?? 0))
  return isAboutEnd && finding.context === undefined && lastRows.length > 0
    ? { ...finding, context: lastRows }
    : finding
}

function missing(): Finding {
  return {
    code: 'chain_missing',
    seqFrom: 1,
    seqTo: 1,
    detail: 'the Domain was created, but it has no rows',
    rows: 'none',
  }
}

function toVerdict(
  source: EntrySource,
  request: VerifyRequest,
  scan: Scan,
  { findings, doubts }: Pick<Verdict, 'findings' | 'doubts'>,
  end: number,
  durationMs: number,
): Verdict {
  const { rows, last, recorded, clockAhead } = scan.fold
  const judged = { findings, doubts }
  return {
    ok: findings.length === 0,
    domainId: request.domainId,
    source: source.name,
    mirror: source.mirror,
    segmentFrom: request.fromSeq,
    toSeq: request.toSeq,
    segmentTo: (scan.isCut === true ? undefined : request.toSeq) ?? Math.min(end, LIMITS.maxSeq),
    rows,
    unarchived: scan.unarchived,
    archivedThrough: scan.archive?.through,
    rowlessStamps: scan.archive?.rowless,
    strays: scan.strays,
    head: last ?? { seq: 0, hash: ZERO_HASH },
    end: endProof(source, request, scan, judged),
    pinnedThrough: pinnedThrough(request, scan, judged),
    firstRecordedAt: recorded?.first,
    lastRecordedAt: recorded?.last,
    findings,
    doubts,
    uncounted: scan.uncounted,
    clockAhead,
    durationMs,
  }
}
