import type { KnownKey } from '../chain/log/platform-lines.js'
import type { ChainRef } from '../chain/log/row-items.js'
import type { Holes } from '../chain/tree/holes.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { ChainGrowth, TreeKey } from '../ports/signer.js'
import type { SignerDeps } from './deps.js'
import type { KnownLog } from './known-log.js'
import { Refusal } from './reasons.js'

/** One chain that is being signed. */
export interface ChainWork {
  readonly deps: SignerDeps
  readonly chain: ChainRef
  readonly growth: ChainGrowth
  readonly known: KnownLog
  readonly key: TreeKey
  readonly holes: Holes
  /** Whether the rules for a start apply: the records are compared with what else the key signed. */
  readonly isStart: boolean
  /** Whether the archiver held rows of the chain back; absent where no archiver says so. */
  readonly isHeld?: boolean | undefined
  /** Returns the mirror of the chain. Rejects as `deps.mirrorOf` does. */
  readonly mirror: () => Promise<MirrorStore>
  readonly signal: AbortSignal
}

export function chainWork(
  deps: SignerDeps,
  growth: ChainGrowth,
  known: KnownLog,
  { isStart, isHeld }: Pick<ChainWork, 'isStart' | 'isHeld'>,
  signal: AbortSignal,
): ChainWork {
  const chain = { domainId: growth.domainId, incarnation: growth.incarnation }
  let opened: Promise<MirrorStore> | undefined
  const mirror = () => {
    opened ??= deps.mirrorOf(chain.domainId, signal)
    return opened
  }
  const [key, holes] = [deps.keys.of(chain), known.holesOf(chain)]
  return { deps, chain, growth, known, key, holes, isStart, isHeld, mirror, signal }
}

/** Returns the key that signed rows name for a size. Throws `key_mismatch` where it is not the signer's own. */
export function recordedKey({ chain, known, key }: ChainWork, size: number): KnownKey {
  const recorded = known.keyAt(chain, size)
  if (recorded !== undefined && Buffer.from(recorded.publicKey).equals(key.publicKey)) return recorded
  const named = recorded === undefined ? 'no key' : `the key ${recorded.key.id}`
  throw new Refusal(
    'key_mismatch',
    `chain ${chain.domainId}: signed rows name ${named} for size ${size}, and the log key gives another one`,
  )
}
