import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { Hasher } from '../chain/hash.js'
import type { ScanProgress, ScanRequest } from '../ports/verify.js'
import type { ChainHeads } from '../verify/signed/chain-heads.js'
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
  /** Returns the signed heads of the chain. Absent: the run looks for none. */
  readonly headsOf?:
    | ((domainId: string, observer: ScanRequest['observer']) => Promise<ChainHeads>)
    | undefined
}

/** A verdict, and the selection that the bundle holds. `ok` is false where there is a shortfall. */
export interface BundleVerdict extends Verdict {
  readonly selection: Selection
  /** The selection as the manifest spells it, unknown keys included. */
  readonly selectionJson: SelectionJson
  /** The heads that were given, and the remembered ones that lie in the rows. */
  readonly pins: readonly ChainHead[]
  /** Whether the bundle can show that no row of its segment is missing. */
  readonly complete: boolean
  /** Why checkpoints that the command names prove nothing. */
  readonly unusable: readonly string[]
  /** Why an intact bundle does not fulfil the request. */
  readonly shortfall?: AuditError | undefined
}

/**
 * Verifies an evidence bundle offline. Rejects with `file_unreadable`, with `bundle_malformed` where the file is not a
 * whole bundle, with `nothing_to_verify` where it has no rows, and with `domain_not_found` where it holds another chain. A
 * head that `pinsOf` gives and that lies outside the rows is a shortfall; a remembered one does not count.
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
    const remembered = request.rememberedOf?.(domainId) ?? []
    const pins = [...given, ...remembered.filter((pin) => holds(selection, pin))]
    const { fromSeq, toSeq, toEnd } = selection
    const observer = request.observer?.(domainId)
    const heads = await request.headsOf?.(domainId, observer)
    const segment = {
      domainId,
      fromSeq,
      toSeq: toEnd ? undefined : toSeq,
      pins: pins.filter((pin) => holds(selection, pin)),
      now: request.now,
      observer: heads?.observer ?? observer,
      signed: heads?.stated,
    }
    const source = new BundleSource(manifest, members, hasher)
    const scanned = await verifyChain(source, segment, progress, signal)
    const isFiltered = selection.kind === 'filtered'
    const { verdict, unproven } = heads?.judge(scanned, isFiltered) ?? { verdict: scanned, unproven: [] }
    return { ...bundleVerdict(manifest, verdict, given, request.allowFiltered), pins, unusable: unproven }
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
): Omit<BundleVerdict, 'pins' | 'unusable'> {
  const complete = selection.kind !== 'filtered'
  const found = verdict.findings
  const findings = complete ? found : found.filter((finding) => !isUnselectedPin(finding))
  const lacksPin = given.some((pin) => found.some((finding) => isAbout(finding, pin)))
  const notHeld = pinNotHeld(verdict.domainId, selection, given)
  const isIntact = findings.length === 0
  const filtered = complete ? undefined : shortfallOf(lacksPin, allowFiltered)
  const shortfall = isIntact ? (notHeld ?? filtered) : undefined
  const doubts = isIntact || notHeld === undefined ? verdict.doubts : [...verdict.doubts, notHeld]
  const ok = isIntact && shortfall === undefined
  // Rows are missing from a filtered selection, so its last row proves nothing about the rows before it.
  const end = complete ? verdict.end : 'unproven'
  const pinnedThrough = complete ? verdict.pinnedThrough : undefined
  const judged = { ok, end, pinnedThrough, findings, doubts, shortfall }
  return { ...verdict, ...judged, complete, selection, selectionJson }
}

/** Returns whether a head lies in the rows of a selection, or right before them. */
function holds({ fromSeq, toSeq, toEnd }: Selection, { seq }: ChainHead): boolean {
  return seq >= fromSeq - 1 && (toEnd || seq <= toSeq)
}

/** Returns why a file cannot show whether the chain has a pinned row; undefined where it holds the place of every pin. */
function pinNotHeld(
  domainId: string,
  selection: Selection,
  given: readonly ChainHead[],
): AuditError | undefined {
  const outside = given.filter((pin) => !holds(selection, pin)).sort((a, b) => a.seq - b.seq)
  const head = outside.at(-1)
  if (head === undefined) return undefined
  const { fromSeq, toSeq } = selection
  const message =
    head.seq > toSeq
      ? `the file ends with row ${toSeq}, and the pin is for row ${head.seq}: this file cannot show whether newer rows were removed`
      : `the file begins with row ${fromSeq}, and the pin is for row ${head.seq}: this file cannot show whether that row was changed`
  return new AuditError('pin_not_held', message, { advice: { code: 'verify_pin_elsewhere', domainId, head } })
}

function isAbout({ seqFrom, seqTo }: Finding, { seq }: ChainHead): boolean {
  return seqFrom <= seq && seq <= seqTo
}

/** A filtered selection proves nothing about a pinned or signed row that it does not hold. */
function isUnselectedPin({ code, observed }: Finding): boolean {
  return code === 'checkpoint_rollback' || (code === 'unexpected_head' && observed === undefined)
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
