import type { AssertOurs, ClaimingChain, Mirrors } from '../../archive/mirrors.js'
import { NO_CLAIMS } from '../../base/domain-claims.js'
import { nodeHasher } from '../../base/node-hasher.js'
import type { SigningAlerts } from '../../ports/alerts.js'
import type { MirrorStore } from '../../ports/mirror.js'
import type { LogKeys } from '../../ports/signer.js'
import type { SignerDeps } from '../../signer/deps.js'
import type { Context } from '../context.js'
import { mirrorCodec } from '../mirror.js'
import { openSource } from '../verify.js'
import { openSignerStore } from './signer-store.js'

/** What the archiver gives to the signer. */
export interface SigningDeps extends Pick<SignerDeps, 'drain' | 'onFindings'> {
  readonly mirrors: Mirrors
  /** Returns every chain that has rows. */
  readonly chains: () => Promise<readonly ClaimingChain[]>
  readonly assertOurs: AssertOurs
  readonly alerts: SigningAlerts
}

/** Opens what a signer works with. */
export async function signerDepsOf(
  context: Context,
  keys: LogKeys,
  mirrors: PassMirrors,
  { drain, onFindings }: SigningDeps,
): Promise<SignerDeps> {
  const [{ signerStates }, { postgresChainReader }] = await Promise.all([
    import('../../local/signer-states.js'),
    import('../../repo/signer/chain-reader.js'),
  ])
  return {
    store: await openSignerStore(context),
    states: signerStates(context.home),
    keys,
    rows: postgresChainReader(await context.database()),
    codec: await mirrorCodec(),
    hasher: nodeHasher,
    mirrorOf: (domainId, signal) => mirrors.of(domainId, signal),
    bothCopies: (domainId) => openSource(context, 'both', domainId, { signal: context.signal }),
    drain,
    onFindings,
  }
}

/** The mirrors of one pass. The chains are read once, and each place is judged once, when a chain first needs them. */
export class PassMirrors {
  readonly #deps: SigningDeps
  readonly #judged = new Map<string, Promise<void>>()
  #chains: Promise<ReadonlyMap<string, ClaimingChain>> | undefined

  constructor(deps: SigningDeps) {
    this.#deps = deps
  }

  /** Forgets what the pass before has seen. */
  begin(): void {
    this.#judged.clear()
    this.#chains = undefined
  }

  /** Rejects with `mirror_not_mapped`, and as `assertOurs` does. */
  async of(domainId: string, signal: AbortSignal): Promise<MirrorStore> {
    const { mirrors, assertOurs } = this.#deps
    this.#chains ??= this.#read()
    const chain = (await this.#chains).get(domainId) ?? { domainId, claims: NO_CLAIMS }
    const mirror = await mirrors.of(chain)
    const judged = this.#judged.get(mirror.url) ?? assertOurs(mirror, signal)
    this.#judged.set(mirror.url, judged)
    await judged
    return mirror.store
  }

  async #read(): Promise<ReadonlyMap<string, ClaimingChain>> {
    const chains = await this.#deps.chains()
    return new Map(chains.map((chain) => [chain.domainId, chain]))
  }
}
