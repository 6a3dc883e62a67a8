import { AuditError } from '../base/errors.js'
import type { SignedOverReason } from '../chain/log/signed-row.js'
import type { SignerState } from '../chain/log/signer-state.js'
import { Holes, type SeqRange } from '../chain/tree/holes.js'
import type { ChainGrowth } from '../ports/signer.js'
import type { ScanProgress } from '../ports/verify.js'
import { verifyChain } from '../verify/verify-chain.js'
import { type ChainWork, chainWork } from './chain-work.js'
import type { SignerDeps } from './deps.js'
import { TreeGrower } from './grow-tree.js'
import { KnownLog, PLATFORM } from './known-log.js'
import { PlatformChain } from './platform-chain.js'
import { newestRecord } from './record.js'
import { resume } from './resume.js'
import { type Actor, keyRows, signedOverRows } from './row-texts.js'
import { type ChainSigned, refusedBy } from './sign-chain.js'
import { signPass } from './sign-pass.js'

export interface SignOverRequest {
  readonly domainId: string
  readonly reason: SignedOverReason
  readonly by?: Actor
  /** Whether to find the rows only, and write nothing. */
  readonly isPlan?: boolean
  readonly onProgress?: ((domainId: string, progress: ScanProgress) => void) | undefined
}

export interface SignedOver {
  /** The rows that have no data in the tree from now on. Empty where nothing was in the way. */
  readonly ranges: readonly SeqRange[]
  /** The results of the pass that followed, as {@link signPass} returns them. */
  readonly signed: readonly ChainSigned[]
}

/** Attempts while other signers sign the same chain. */
const ATTEMPTS = 8

/**
 * Signs over the rows of a chain that keep it from being signed (tlog.md, section 7, "Held rows"): all rows between the last signed
 * row and the last archived row that are missing, not archived, or have a finding. Then signs the chain, with a pass for this chain
 * alone. Also enrols a chain that has findings, and begins a log whose platform chain has findings. The findings stay.
 *
 * Rejects with `nothing_to_sign` for a chain without rows, or a Domain of a log without its first key, and where a copy cannot be read.
 */
export async function signOver(
  deps: SignerDeps,
  request: SignOverRequest,
  signal: AbortSignal,
): Promise<SignedOver> {
  const { domainId } = request
  const growth = (await deps.store.growth(true)).find((chain) => chain.domainId === domainId)
  if (growth === undefined) throw nothing(`chain ${domainId} has no rows`)
  const known = await enrolledLog(deps, growth, request, signal).catch((error: unknown) =>
    refusedOr(error, PLATFORM.domainId),
  )
  if (!(known instanceof KnownLog)) return { ranges: [], signed: [known] }
  const work = chainWork(deps, growth, known, { isStart: true }, signal)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const state = await resume(work)
      const ranges = await rangesInTheWay(work, state, request)
      // A row that another signer has signed since must not become a hole.
      if ((await newestRecord(deps.states, work.key.origin))?.k !== state?.k) continue
      if (request.isPlan === true) return { ranges, signed: [] }
      if (ranges.length > 0) await append(work, ranges, request)
      return { ranges, signed: await signPass(deps, { only: new Set([domainId]) }, signal) }
    } catch (error) {
      return { ranges: [], signed: [refusedOr(error, domainId)] }
    }
  }
  throw new AuditError('chain_conflict', `chain ${domainId}: another signer signs it all the time`)
}

/** Returns the result of a chain that was refused. Throws an error that is about no single chain. */
function refusedOr(error: unknown, domainId: string): ChainSigned {
  const refused = refusedBy(error, domainId)
  if (refused === undefined) throw error
  return refused
}

async function append(
  { deps, chain, known, signal }: ChainWork,
  ranges: readonly SeqRange[],
  request: SignOverRequest,
) {
  const rows = signedOverRows(chain, ranges, request.reason, known.platform, request.by)
  const platform = new PlatformChain(deps, undefined, known, false, signal)
  const over = chain.domainId === PLATFORM.domainId ? ranges : []
  await platform.append(
    rows.map((row) => ({ row, heads: [] })),
    over,
  )
}

async function enrolledLog(
  deps: SignerDeps,
  chain: ChainGrowth,
  { by, isPlan = false }: SignOverRequest,
  signal: AbortSignal,
): Promise<KnownLog> {
  const known = await KnownLog.read(deps.store, deps.keys)
  const isPlatform = chain.domainId === PLATFORM.domainId
  if (!known.hasBegun && !isPlatform) throw nothing('no row of the platform chain names a key of this log')
  if (known.isEnrolled(chain) || isPlan) return known
  const rows = keyRows(isPlatform ? [] : [chain], deps.keys, isPlatform, by)
  const named = rows.map((row) => ({ row, heads: [] }))
  // A key row must not follow rows that are not the signed ones. A log begins here although its rows have findings.
  const platform = new PlatformChain(deps, isPlatform ? chain : undefined, known, false, signal)
  await platform.append(named, isPlatform ? [{ from: 1, to: chain.lastSeq }] : [])
  return KnownLog.read(deps.store, deps.keys)
}

async function rangesInTheWay(
  work: ChainWork,
  state: SignerState | undefined,
  { onProgress }: SignOverRequest,
): Promise<readonly SeqRange[]> {
  const { deps, chain, growth, holes, signal } = work
  const { domainId } = chain
  const size = state?.size ?? 0
  const { lastSeq: toSeq } = growth
  if (toSeq <= size) return []
  const { unstamped, ...snapshot } = await deps.rows.snapshot({ domainId, fromSeq: size + 1, toSeq }, signal)
  await snapshot.close()
  const end = lastArchived(unstamped, toSeq)
  if (end <= size) return []
  const source = await deps.bothCopies(domainId)
  const segment = { domainId, fromSeq: size + 1, toSeq: end, pins: [] }
  const { findings } = await verifyChain(source, segment, (p) => onProgress?.(domainId, p), signal)
  const found = findings.map(({ seqFrom, seqTo }) => ({ from: seqFrom, to: seqTo }))
  const over = [...holes.ranges, ...found, ...pairs(unstamped)]
  const all = await withOwnFindings(work, state, end, over)
  return new Holes(all.flatMap((range) => clipped(range, size + 1, end))).ranges
}

/** Adds what only the signer sees: that the rows do not follow the row that was signed last. */
async function withOwnFindings(
  work: ChainWork,
  from: SignerState | undefined,
  end: number,
  given: readonly SeqRange[],
): Promise<readonly SeqRange[]> {
  const first = (from?.size ?? 0) + 1
  for (let ranges = given; ; ) {
    const holes = new Holes(ranges)
    const found = await findingsOutside(work, from, end, holes)
    const isNew = found.some((range) =>
      clipped(range, first, end).some((part) => holes.outside(part.from, part.to).length > 0),
    )
    if (!isNew) return ranges
    ranges = [...ranges, ...found]
  }
}

async function findingsOutside(
  { deps, chain, signal }: ChainWork,
  from: SignerState | undefined,
  end: number,
  holes: Holes,
): Promise<readonly SeqRange[]> {
  const { domainId } = chain
  const grower = new TreeGrower({ domainId, from, to: end, holes, hasher: deps.hasher })
  const request = { domainId, fromSeq: (from?.size ?? 0) + 1, toSeq: end }
  const snapshot = await deps.rows.snapshot(request, signal)
  try {
    for await (const rows of snapshot.rows()) {
      for (const row of rows) grower.add(row)
      if (grower.isOver) break
    }
  } finally {
    await snapshot.close()
  }
  return grower.finish().findings.map(({ seqFrom, seqTo }) => ({ from: seqFrom, to: seqTo }))
}

function lastArchived(unstamped: ArrayLike<number>, lastSeq: number): number {
  let end = lastSeq
  for (const { from, to } of pairs(unstamped).reverse()) if (to === end) end = from - 1
  return end
}

function pairs(bounds: ArrayLike<number>): SeqRange[] {
  return Array.from({ length: bounds.length / 2 }, (_, at) => ({
    from: bounds[2 * at] ?? 0,
    to: bounds[2 * at + 1] ?? 0,
  }))
}

function clipped({ from, to }: SeqRange, first: number, last: number): SeqRange[] {
  const range = { from: Math.max(from, first), to: Math.min(to, last) }
  return range.from <= range.to ? [range] : []
}

function nothing(message: string): AuditError {
  return new AuditError('nothing_to_sign', message)
}
