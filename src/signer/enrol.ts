import { AuditError } from '../base/errors.js'
import { inParallel } from '../base/parallel/in-parallel.js'
import type { Finding } from '../chain/finding.js'
import type { ChainRef } from '../chain/log/row-items.js'
import type { ChainGrowth } from '../ports/signer.js'
import type { ScanProgress } from '../ports/verify.js'
import { verifyChain } from '../verify/verify-chain.js'
import type { SignerDeps } from './deps.js'
import { type KnownLog, PLATFORM } from './known-log.js'
import { type NotSignedReason, reasonOf } from './reasons.js'
import { type Actor, keyRows } from './row-texts.js'
import type { ChainSigned } from './sign-chain.js'

/** Rows that the archiver compares before the first signature of a chain (tlog.md, section 11). */
export const ENROLLED_ROWS = 10_000

/** Chains that are compared at once. */
const WIDTH = 4

export interface EnrolOptions {
  /** Rows that a chain may have at most to be compared. Default: {@link ENROLLED_ROWS}. */
  readonly maxRows?: number | undefined
  /** Whether the first row of this log may be written, which names the key of the platform chain. Default: false. */
  readonly mayBegin?: boolean | undefined
  /** Receives how far the comparison of a chain is. */
  readonly onProgress?: ((domainId: string, progress: ScanProgress) => void) | undefined
  readonly by?: Actor
}

export interface Enrolment {
  /** The chains that rows now name a key for. */
  readonly enrolled: readonly ChainRef[]
  /** The chains that have none, with the reason. */
  readonly refused: readonly ChainSigned[]
}

/**
 * Names the keys of chains that have none, in rows of relation audit.log-key. Each chain is compared whole before, both copies row by
 * row, and must have no finding. The platform chain comes first: without it no row is written. Two signers that enrol the same chain
 * write rows that say the same.
 */
export async function enrolChains(
  deps: SignerDeps,
  chains: readonly ChainGrowth[],
  known: KnownLog,
  options: EnrolOptions,
  signal: AbortSignal,
): Promise<Enrolment> {
  const { mayBegin = false, by } = options
  if (chains.length === 0) return { enrolled: [], refused: [] }
  if (!known.hasBegun && !mayBegin) return { enrolled: [], refused: [notInitialised()] }
  const isPlatform = ({ domainId }: ChainGrowth) => domainId === PLATFORM.domainId
  const platform = known.hasBegun ? undefined : chains.find(isPlatform)
  if (!known.hasBegun) {
    if (platform === undefined) return { enrolled: [], refused: [] }
    const refusal = await refusalOf(deps, platform, options, signal)
    if (refusal !== undefined) return { enrolled: [], refused: [refusal] }
  }
  const others = chains.filter((chain) => !isPlatform(chain))
  const judged = await inParallel(
    others,
    WIDTH,
    () => signal.aborted,
    async (chain) => ({ chain, refusal: await refusalOf(deps, chain, options, signal) }),
  )
  const sound = judged.filter(({ refusal }) => refusal === undefined).map(({ chain }) => chain)
  const rows = keyRows(sound, deps.keys, !known.hasBegun, by)
  if (rows.length > 0) await deps.store.append(rows.map((row) => ({ row, heads: [] })))
  await deps.afterStep?.('keys_named', PLATFORM.domainId)
  return {
    enrolled: platform === undefined ? sound : [platform, ...sound],
    refused: judged.flatMap(({ refusal }) => refusal ?? []),
  }
}

/** Returns why a chain must not be enrolled. Rejects where PostgreSQL fails. */
async function refusalOf(
  deps: SignerDeps,
  { domainId, lastSeq }: ChainGrowth,
  { maxRows = ENROLLED_ROWS, onProgress }: EnrolOptions,
  signal: AbortSignal,
): Promise<ChainSigned | undefined> {
  if (lastSeq > maxRows) {
    const message = `chain ${domainId} has ${lastSeq} rows, more than the ${maxRows} that are compared without being asked`
    return refused(domainId, 'too_long', message)
  }
  try {
    const source = await deps.bothCopies(domainId)
    const request = { domainId, fromSeq: 1, pins: [] }
    const { findings, doubts } = await verifyChain(source, request, (p) => onProgress?.(domainId, p), signal)
    const [first] = findings
    // Without its mirror the chain was not compared: a divergence of the two copies could not show.
    if (first === undefined) return notCompared(domainId, doubts)
    const message = `chain ${domainId} has ${findings.length} findings, the first at row ${first.seqFrom} (${first.code})`
    return refused(domainId, 'findings', message, { findings })
  } catch (error) {
    signal.throwIfAborted()
    const reason = reasonOf(error)
    if (!(error instanceof AuditError) || (reason === undefined && error.code.startsWith('database_')))
      throw error
    return { ...refused(domainId, reason, error.message), error }
  }
}

function notCompared(domainId: string, doubts: readonly AuditError[]): ChainSigned | undefined {
  const doubt = doubts.find((one) => reasonOf(one) !== undefined)
  return doubt && { ...refused(domainId, reasonOf(doubt), doubt.message), error: doubt }
}

function refused(
  domainId: string,
  reason: NotSignedReason | undefined,
  message: string,
  { findings = [] }: { readonly findings?: readonly Finding[] } = {},
): ChainSigned {
  return { domainId, size: 0, rows: 0, findings, message, ...(reason !== undefined && { reason }) }
}

/** Returns why a chain was not enrolled that no row of the platform chain names: that row was damaged, or somebody planted the chain. */
export function notCreated({ domainId }: ChainRef): ChainSigned {
  const message = `chain ${domainId}: no row of the platform chain that can be read says that it was created`
  return refused(domainId, 'not_initialised', message)
}

function notInitialised(): ChainSigned {
  const message = 'no row of the platform chain names a key of this log'
  return refused(PLATFORM.domainId, 'not_initialised', message)
}
