import { type ProvisionDeps, provisionPepper } from '../../append/provision-pepper.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import { knownChainsOf } from '../../compose/known-chains.js'
import { openProvisionDeps } from '../../compose/pepper.js'
import type { Output } from '../output/output.js'
import { onEveryChain } from '../shell/each-chain.js'

export interface ProvisionOptions {
  /** A domain_id, or all known chains and the platform chain. */
  readonly chain: string | 'all'
  readonly from?: string | undefined
  readonly json: boolean
}

/** Prints one line per chain. With 'all' a failure is reported for its chain, and the other chains continue. */
export async function runProvision(
  options: ProvisionOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const deps = await openProvisionDeps(context, options.from)
  if (options.chain !== 'all') return provision(options.chain, deps, options, out)
  const { domainIds } = await knownChainsOf(context)
  const chains = new Set([PLATFORM_ANCHOR, ...domainIds])
  await onEveryChain(chains, (domainId) => provision(domainId, deps, options, out), options.json, signal)
}

async function provision(
  domainId: string,
  deps: ProvisionDeps,
  { json }: ProvisionOptions,
  out: Output,
): Promise<void> {
  const created = await provisionPepper(domainId, deps)
  if (json) await out.json({ domain_id: domainId, created })
  else await out.line(`${domainId}  ${created ? 'created' : 'already exists, and was not changed'}`)
}
