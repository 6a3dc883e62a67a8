import { AuditError } from '../base/errors.js'
import { settleEach } from '../base/settle-each.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { noChainIn } from '../verify/mirror/find-mirror.js'
import {
  type ChainToRestore,
  isWhole,
  type RestoreOutcome,
  restoreChain,
  verifyBoth,
} from './restore-chain.js'
import type { RestoreDeps } from './restore-deps.js'
import { type PlannedChain, planRestore, type RestoreAllRequest } from './restore-plan.js'

/** A chain that could not be restored for another reason than the state of its mirror. */
export interface FailedRestore {
  readonly kind: 'failed'
  readonly domainId: string
  readonly error: unknown
}

/**
 * Restores every chain that the mirror knows of, the platform chain first. Yields the outcome of each chain as it ends; a
 * chain that fails does not stop the others. A mirror that may lack chains fails last, as the platform chain. Throws `nothing_to_verify` where there is no chain in the mirror, and the
 * signal's reason where it comes.
 */
export async function* restoreAll(
  request: RestoreAllRequest,
  deps: RestoreDeps,
  signal: AbortSignal,
): AsyncGenerator<RestoreOutcome | FailedRestore> {
  const { chains, doubts } = await planRestore(request, deps, signal)
  if (chains.length === 0) {
    const store = await deps.mirrorAt(deps.locations.ofChosen(PLATFORM_ANCHOR))
    throw await noChainIn(store, deps.codec, signal)
  }
  await announce(chains, deps)
  const all = new RestoreAll(deps, signal)
  for await (const settled of settleEach(chains, (chain) => all.restore(chain), signal)) {
    const { domainId } = settled.item
    const outcome =
      'done' in settled ? settled.done : ({ kind: 'failed', domainId, error: settled.failed } as const)
    yield outcome
    if (isRefused(outcome)) await deps.target.abandon(domainId)
  }
  for (const error of doubts) yield { kind: 'failed', domainId: PLATFORM_ANCHOR, error }
}

/** Marks every chain that is missing: from the first row on, a verify knows that the other chains are still to come. */
async function announce(chains: readonly PlannedChain[], { target }: RestoreDeps): Promise<void> {
  for (const chain of chains) {
    if ('refused' in chain || (await target.headOf(chain.domainId)) !== undefined) continue
    await target.begin(chain.domainId, chain.mirrorUrl)
  }
}

class RestoreAll {
  constructor(
    readonly deps: RestoreDeps,
    readonly signal: AbortSignal,
  ) {}

  async restore(chain: PlannedChain): Promise<RestoreOutcome> {
    if ('refused' in chain) throw chain.refused
    const head = await this.deps.target.headOf(chain.domainId)
    return head === undefined ? restoreChain(chain, this.deps, this.signal) : this.#compare(chain)
  }

  /** Accepts a chain that an earlier run restored, whatever was appended to it since. */
  async #compare(chain: ChainToRestore): Promise<RestoreOutcome> {
    const { domainId } = chain
    const both = await verifyBoth(chain, this.deps, this.signal)
    if (both.ok) return { kind: 'present', domainId, both }
    const codes = [...new Set(both.findings.map(({ code }) => code))].join(', ')
    throw new AuditError('chain_exists', `chain ${domainId} exists and differs from the mirror: ${codes}`, {
      advice: { code: 'verify_both_copies', given: this.deps.locations.given, domainId },
    })
  }
}

/** Whether the same restore, run again, would end the same way: then no verify should wait for it. */
function isRefused(outcome: RestoreOutcome | FailedRestore): boolean {
  if (outcome.kind !== 'failed') return outcome.kind === 'broken'
  const { error } = outcome
  return (
    error instanceof AuditError &&
    ['pepper_mismatch', 'mirror_broken', 'mirror_not_mapped', 'copy_incomplete'].includes(error.code)
  )
}

/** The counts of a restore of every chain. */
export interface RestoreSummary {
  /** Whether every chain is in the database, and intact in both copies. */
  readonly ok: boolean
  readonly chains: number
  readonly restored: number
  /** Chains that existed already and equal the mirror's. */
  readonly present: number
  /** Chains that were not restored because of what was found in the mirror. */
  readonly broken: number
  /** Chains that were not restored for another reason. */
  readonly failed: number
  /** Rows that were restored. */
  readonly rows: number
}

export function summarise(outcomes: readonly (RestoreOutcome | FailedRestore)[]): RestoreSummary {
  const count = (kind: (RestoreOutcome | FailedRestore)['kind']) =>
    outcomes.filter((outcome) => outcome.kind === kind).length
  return {
    ok: outcomes.every((outcome) => outcome.kind !== 'failed' && isWhole(outcome)),
    chains: outcomes.length,
    restored: count('restored'),
    present: count('present'),
    broken: count('broken'),
    failed: count('failed'),
    rows: outcomes.reduce((rows, outcome) => rows + (outcome.kind === 'restored' ? outcome.rows : 0), 0),
  }
}
