import { type FileHandle, open } from 'node:fs/promises'
import { AuditError } from '../base/errors.js'
import type { ChainHead } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { Hasher } from '../chain/hash.js'
import type { ScanProgress } from '../ports/verify.js'
import { divergence, type VerifyResult, wireFinding } from '../verify/result.js'
import { verifyChain } from '../verify/verify-chain.js'
import { damaged, MANIFEST_NAME } from './bundle-format.js'
import { type ReadMember, readMembers, unreadable } from './bundle-members.js'
import { BundleSource } from './bundle-source.js'
import { type ReadManifest, readManifest, type Selection } from './manifest.js'

export interface BundleRequest {
  readonly path: string
  /** The chain that it must be of, where the caller has said so. */
  readonly domainId?: string | undefined
  /** Heads known from elsewhere, of the chain with this id. */
  readonly pinsOf: (domainId: string) => readonly ChainHead[]
  /** Whether a selection of rows will do, which cannot show that none is missing. */
  readonly allowFiltered: boolean
}

/** A verify result with what the bundle says it is a selection of. */
export interface BundleResult extends VerifyResult {
  readonly selection: Selection
  /** Whether it can show that no row of its segment is missing. */
  readonly complete: boolean
}

export interface BundleVerdict {
  readonly result: BundleResult
  readonly findings: readonly Finding[]
  /** Why an intact bundle is not what was asked for. */
  readonly shortfall?: AuditError | undefined
}

/**
 * Verifies an evidence bundle offline. Rejects with `file_unreadable`, with `bundle_malformed` for what is no whole
 * bundle, with `nothing_to_verify` for one without rows, with `domain_not_found` for one of another chain.
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
    const { from_seq: fromSeq, to_seq, to_end } = selection
    const segment = { domainId, fromSeq, toSeq: to_end ? undefined : to_seq, pins }
    const source = new BundleSource(manifest, members, hasher)
    const { result, findings } = await verifyChain(source, segment, progress, signal)
    return verdictOf(manifest, result, findings, request.allowFiltered)
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

function verdictOf(
  { selection }: ReadManifest,
  result: VerifyResult,
  found: readonly Finding[],
  allowFiltered: boolean,
): BundleVerdict {
  const complete = selection.kind !== 'filtered'
  const findings = complete ? found : found.filter((finding) => !isUnselectedPin(finding))
  const shortfall = complete || findings.length > 0 ? undefined : shortfallOf(found.length > 0, allowFiltered)
  const kept = complete ? result : withFindings(result, findings)
  return {
    result: { ...kept, ok: kept.ok && shortfall === undefined, complete, selection },
    findings,
    shortfall,
  }
}

/** Of a row that a selection does not have, nothing can be said. */
function isUnselectedPin({ code, observed }: Finding): boolean {
  return code === 'unexpected_head' && observed === undefined
}

function shortfallOf(lacksPin: boolean, allowFiltered: boolean): AuditError | undefined {
  if (lacksPin) {
    return new AuditError('bundle_filtered', 'the pinned row is not one of this filtered selection', {
      hint: 'pin a row that it has, or take a bundle of the whole range',
    })
  }
  if (allowFiltered) return undefined
  return new AuditError(
    'bundle_filtered',
    'what is there is intact, but it is a filtered selection: it cannot show that no row is missing',
    { hint: 'give --allow-filtered where that will do, or take a bundle of the whole range' },
  )
}

function withFindings(result: VerifyResult, findings: readonly Finding[]): VerifyResult {
  const { divergent_seq, expected_hash, observed_hash, ...rest } = result
  const wire = findings.map(wireFinding)
  return { ...rest, ok: wire.length === 0, ...divergence(wire), findings: wire }
}
