import type { SignerDeps } from '../../signer/deps.js'
import { NotSignedAlerts } from '../../signer/not-signed-alerts.js'
import type { ChainSigned } from '../../signer/sign-chain.js'
import type { PassOptions, Signer } from '../../signer/sign-pass.js'
import type { Context } from '../context.js'
import { type NoLogKeys, type OpenLogKeys, openLogKeys } from './log-key.js'
import { PassMirrors, type SigningDeps, signerDepsOf } from './signer-deps.js'

/** What one pass of the signer did. */
export interface SignedPass {
  readonly chains: readonly ChainSigned[]
  readonly keys: OpenLogKeys
}

export interface SigningOptions {
  /**
   * `home`: an embedded home gets its key, and its first key row, from the first command that signs. `init`: so does an external
   * database, because its operator asked for it.
   */
  readonly begins: 'home' | 'init'
}

/** The signer of a run. Pass after pass it works with the key that the settings name at that time. */
export class Signing {
  readonly #context: Context
  readonly #deps: SigningDeps
  readonly #options: SigningOptions
  readonly #notSigned: NotSignedAlerts
  #current: { readonly keys: OpenLogKeys; readonly signer: Signer; readonly mirrors: PassMirrors } | undefined

  constructor(context: Context, deps: SigningDeps, options: SigningOptions) {
    this.#context = context
    this.#deps = deps
    this.#options = options
    this.#notSigned = new NotSignedAlerts(deps.alerts)
  }

  /**
   * Runs one pass (tlog.md, section 7, B to F), or resolves with the reason why there is no key. Creates `log.vkey` before the first
   * signature, and raises an alert for a chain that is not signed. Rejects as {@link openLogKeys} does, where PostgreSQL fails, and at the signal.
   */
  async pass(options: Omit<PassOptions, 'mayBegin'>, signal: AbortSignal): Promise<SignedPass | NoLogKeys> {
    const keys = await openLogKeys(this.#context, { mint: true })
    if (!('keys' in keys)) return keys
    const mayBegin = this.#mayBegin(keys)
    if (mayBegin || keys.isInitialised) await this.#createVkey(keys)
    const { signer, mirrors } = await this.#signerOf(keys)
    mirrors.begin()
    const chains = await signer.pass({ ...options, mayBegin }, signal)
    // A pass over some chains says nothing of the others.
    if (options.only === undefined) this.#notSigned.report(chains)
    return { keys, chains }
  }

  /** A home whose rows name another key waits for its operator: a second key that no row links would make both worthless. */
  #mayBegin({ others }: OpenLogKeys): boolean {
    return this.#options.begins === 'init' || (this.#context.embedded && others.length === 0)
  }

  async #createVkey({ platformKey }: OpenLogKeys): Promise<void> {
    const { createVkeyFile } = await import('../../local/home-vkey.js')
    await createVkeyFile(this.#context.home, platformKey)
  }

  async #signerOf(keys: OpenLogKeys) {
    const current = this.#current
    if (current !== undefined && isSame(current.keys, keys)) return current
    const { Signer } = await import('../../signer/sign-pass.js')
    const mirrors = new PassMirrors(this.#deps)
    const deps: SignerDeps = await signerDepsOf(this.#context, keys.keys, mirrors, this.#deps)
    this.#current = { keys, mirrors, signer: new Signer(deps) }
    return this.#current
  }
}

function isSame(one: OpenLogKeys, other: OpenLogKeys): boolean {
  return one.platformKey.name === other.platformKey.name && one.platformKey.id === other.platformKey.id
}
