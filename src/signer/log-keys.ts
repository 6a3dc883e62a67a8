import { Ed25519KeyPair } from '../base/crypto/node-ed25519.js'
import { seedOf } from '../chain/log/log-seed.js'
import { originOf } from '../chain/log/origin.js'
import type { ChainRef } from '../chain/log/row-items.js'
import type { LogKeys, TreeKey } from '../ports/signer.js'

/** Derived keys that are remembered. A key costs 1 ms to derive, which is as much as all else that signing a row computes. */
const REMEMBERED = 20_000

/**
 * Returns the keys that follow from the 32 bytes of a key file (tlog.md, section 3). The key of a chain is derived on the first
 * use of its public key or of `sign`. The bytes are copied, so the caller may wipe its own. Throws RangeError for another length.
 */
export function logKeys(keyFile: Uint8Array, logName: string): LogKeys {
  const bytes = Uint8Array.from(keyFile)
  const keys = new Map<string, TreeKey>()
  const of = (chain: ChainRef): TreeKey => {
    const origin = originOf({ logName, ...chain })
    const key = keys.get(origin) ?? new DerivedKey(bytes, origin, chain)
    if (keys.size >= REMEMBERED) keys.clear()
    keys.set(origin, key)
    return key
  }
  return { logName, of }
}

class DerivedKey implements TreeKey {
  readonly #keyFile: Uint8Array
  readonly #chain: ChainRef
  #pair: Ed25519KeyPair | undefined

  constructor(
    keyFile: Uint8Array,
    readonly origin: string,
    chain: ChainRef,
  ) {
    this.#keyFile = keyFile
    this.#chain = chain
  }

  get publicKey(): Uint8Array {
    return this.#derived.publicKey
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#derived.sign(message)
  }

  get #derived(): Ed25519KeyPair {
    if (this.#pair !== undefined) return this.#pair
    const seed = seedOf(this.#keyFile, this.#chain.domainId, this.#chain.incarnation)
    this.#pair = Ed25519KeyPair.of(seed)
    seed.fill(0)
    return this.#pair
  }
}
