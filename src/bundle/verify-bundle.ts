import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { Hasher } from '../chain/hash.js'
import type { ScanProgress, ScanRequest } from '../ports/verify.js'
import type { Verdict } from '../verify/verdict.js'
import { verifyChain } from '../verify/verify-chain.js'
import { BundleSource } from './bundle-source.js'
import type { ReadManifest } from './manifest.js'
import type { SelectionJson } from './manifest-selection.js'
import { openBundle } from './read/open-bundle.js'
import type { Selection } from './selection.js'

export interface BundleRequest {
  readonly path: string
  /** The chain that the bundle must hold, if the caller names one. */
  readonly domainId?: string | undefined
  /** Returns the heads known from elsewhere of the chain with this id. */
  readonly pinsOf: (domainId: string) => readonly ChainHead[]
  /** Returns heads of the chain that count as far as they lie in the rows of the bundle. */
  readonly rememberedOf?: ((domainId: string) => readonly ChainHead[]) | undefined
  /** Whether to accept a filtered selection, which cannot show that no row is missing. */
  readonly allowFiltered: boolean
  /** The clock of this machine, in microseconds since 1970. */
  readonly now?: bigint | undefined
  /** Returns what receives the rows while they are verified. */
  readonly observer?: ((domainId: string) => ScanRequest['observer']) | undefined
}

/** A verdict, and the selection that the bundle holds. `ok` is false where there is a shortfall. */
export interface BundleVerdict extends Verdict {
  readonly selection: Selection
  /** The selection as the manifest spells it, unknown keys included. */
  readonly selectionJson: SelectionJson
  /** The heads that the rows were compared with. */
  readonly pins: readonly ChainHead[]
  /** Whether the bundle can show that no row of its segment is missing. */
  readonly complete: boolean
  /** Why an intact bundle does not fulfil the request. */
  readonly shortfall?: AuditError | undefined
}

/**
 * Verifies an evidence bundle offline. Rejects with `file_unreadable`, with `bundle_malformed` where the file is not a
 * whole bundle, with `nothing_to_verify` where it has no rows, and with `domain_not_found` where it holds another chain.
 */
export async function verifyBundle(
  request: BundleRequest,
  hasher: Hasher,
  progress: (p: ScanProgress) => void,
  signal: AbortSignal,
): Promise<BundleVerdict> {
  const { file, manifest, members } = await openBundle(request.path)
  try {
    assertChain(manifest, request)
    const { domain_id: domainId, selection } = manifest
    const given = request.pinsOf(domainId)
    const pins = [...given, ...rememberedIn(selection, request.rememberedOf?.(domainId) ?? [])]
    const { fromSeq, toSeq, toEnd } = selection
    const segment = {
      domainId,
      fromSeq,
      toSeq: toEnd ? undefined : toSeq,
      pins,
      now: request.now,
      observer: request.observer?.(domainId),
    }
    const source = new BundleSource(manifest, members, hasher)
    const verdict = await verifyChain(source, segment, progress, signal)
    return { ...bundleVerdict(manifest, verdict, given, request.allowFiltered), pins }
  } finally {
    await file.close()
  }
}

function assertChain({ domain_id, rows, segments }: ReadManifest, { domainId }: BundleRequest): void {
  if (domainId !== undefined && domainId !== domain_id) {
    throw new AuditError('domain_not_found', `the bundle is of chain ${domain_id}, not of ${domainId}`)
  }
  if (rows === 0 || segments.length === 0) throw new AuditError('nothing_to_verify', 'the bundle has no rows')
}

function bundleVerdict(
  { selection, selectionJson }: ReadManifest,
  verdict: Verdict,
  given: readonly ChainHead[],
  allowFiltered: boolean,
): Omit<BundleVerdict, 'pins'> {
  const complete = selection.kind !== 'filtered'
  const found = verdict.findings
  const findings = complete ? found : found.filter((finding) => !isUnselectedPin(finding))
  const lacksPin = given.some((pin) => found.some((finding) => isAbout(finding, pin)))
  const shortfall = complete || findings.length > 0 ? undefined : shortfallOf(lacksPin, allowFiltered)
  const ok = findings.length === 0 && shortfall === undefined
  // Rows are missing from a filtered selection, so its last row proves nothing about the rows before it.
  const end = complete ? verdict.end : 'unproven'
  const pinnedThrough = complete ? verdict.pinnedThrough : undefined
  return { ...verdict, ok, end, pinnedThrough, findings, complete, selection, selectionJson, shortfall }
}

/** Returns the heads that lie in the rows of a selection, or right before them. */
function rememberedIn({ fromSeq, toSeq, toEnd }: Selection, heads: readonly ChainHead[]): ChainHead[] {
  return heads.filter(({ seq }) => seq >= fromSeq - 1 && (toEnd || seq <= toSeq))
}

function isAbout({ seqFrom, seqTo }: Finding, { seq }: ChainHead): boolean {
  return seqFrom <= seq && seq <= seqTo
}

/** A filtered selection proves nothing about a pinned row that it does not hold. */
function isUnselectedPin({ code, observed }: Finding): boolean {
  return code === 'unexpected_head' && observed === undefined
}

function shortfallOf(lacksPin: boolean, allowFiltered: boolean): AuditError | undefined {
  if (lacksPin) {
    return new AuditError('bundle_filtered', 'this filtered selection does not contain the pinned row', {
      advice: { code: 'pin_selected_row' },
    })
  }
  if (allowFiltered) return undefined
  return new AuditError(
    'bundle_filtered',
    'the rows are intact, but they are a filtered selection, which cannot show that no row is missing',
    { advice: { code: 'allow_filtered' } },
  )
}
