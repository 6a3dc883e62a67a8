import { type FileHandle, open } from 'node:fs/promises'
import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { Hasher } from '../chain/hash.js'
import type { ScanProgress } from '../ports/verify.js'
import type { Verdict } from '../verify/verdict.js'
import { verifyChain } from '../verify/verify-chain.js'
import { damaged, MANIFEST_NAME } from './bundle-format.js'
import { type ReadMember, readMembers, unreadable } from './bundle-members.js'
import { BundleSource } from './bundle-source.js'
import { type ReadManifest, readManifest } from './manifest.js'
import type { SelectionJson } from './manifest-selection.js'
import type { Selection } from './selection.js'

export interface BundleRequest {
  readonly path: string
  /** The chain that the bundle must hold, if the caller names one. */
  readonly domainId?: string | undefined
  /** Returns the heads known from elsewhere of the chain with this id. */
  readonly pinsOf: (domainId: string) => readonly ChainHead[]
  /** Whether to accept a filtered selection, which cannot show that no row is missing. */
  readonly allowFiltered: boolean
}

/** A verdict, and the selection that the bundle holds. `ok` is false where there is a shortfall. */
export interface BundleVerdict extends Verdict {
  readonly selection: Selection
  /** The selection as the manifest spells it, unknown keys included. */
  readonly selectionJson: SelectionJson
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
  const file = await openBundle(request.path)
  try {
    const members = readMembers(file)
    const manifest = await manifestOf(members)
    assertChain(manifest, request)
    const pins = request.pinsOf(manifest.domain_id)
    const { domain_id: domainId, selection } = manifest
    const { fromSeq, toSeq, toEnd } = selection
    const segment = { domainId, fromSeq, toSeq: toEnd ? undefined : toSeq, pins }
    const source = new BundleSource(manifest, members, hasher)
    const verdict = await verifyChain(source, segment, progress, signal)
    return bundleVerdict(manifest, verdict, request.allowFiltered)
  } finally {
    await file.close()
  }
}

async function openBundle(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw unreadable(error)
  }
}

async function manifestOf(members: AsyncGenerator<ReadMember>): Promise<ReadManifest> {
  const first = await members.next()
  if (first.done === true || first.value.name !== MANIFEST_NAME)
    throw damaged('it does not begin with a manifest')
  return readManifest(first.value.content)
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
  allowFiltered: boolean,
): BundleVerdict {
  const complete = selection.kind !== 'filtered'
  const found = verdict.findings
  const findings = complete ? found : found.filter((finding) => !isUnselectedPin(finding))
  const shortfall = complete || findings.length > 0 ? undefined : shortfallOf(found.length > 0, allowFiltered)
  const ok = findings.length === 0 && shortfall === undefined
  return { ...verdict, ok, findings, complete, selection, selectionJson, shortfall }
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
