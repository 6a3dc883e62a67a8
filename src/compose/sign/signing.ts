import { AuditError } from '../../base/errors.js'
import type { SignerDeps } from '../../signer/deps.js'
import { PLATFORM } from '../../signer/known-log.js'
import { NotSignedAlerts } from '../../signer/not-signed-alerts.js'
import { type NotSignedReason, reasonOf } from '../../signer/reasons.js'
import type { ChainSigned } from '../../signer/sign-chain.js'
import type { SignedOver, SignOverRequest } from '../../signer/sign-over.js'
import type { PassOptions, Signer } from '../../signer/sign-pass.js'
import type { Context } from '../context.js'
import { type NoLogKeys, type OpenLogKeys, openLogKeys } from './log-key.js'
import { PassMirrors, type SigningDeps, signerDepsOf } from './signer-deps.js'

/** What one pass of the signer did. */
export interface SignedPass {
  readonly chains: readonly ChainSigned[]
  readonly keys: OpenLogKeys
}

/**
 * Which log a command may begin, by the first row that names its keys. `home`: the log of an embedded home. `asked`: also one of an
 * external database, because its operator asked for it. `beside`: also where rows name another platform key.
 */
export type Begins = 'home' | 'asked' | 'beside'

/** A signer with the keys of one time. */
interface Opened {
  readonly keys: OpenLogKeys
  readonly mayBegin: boolean
  readonly deps: SignerDeps
  readonly signer: Signer
  readonly mirrors: PassMirrors
}

/** The signer of a run. Pass after pass it works with the key that the settings name at that time. */
export class Signing {
  readonly #context: Context
  readonly #deps: SigningDeps
  readonly #begins: Begins
  readonly #notSigned: NotSignedAlerts
  #opened: Opened | undefined
  /** What the last whole pass said of the chains. */
  #reported: readonly ChainSigned[] = []

  constructor(context: Context, deps: SigningDeps, { begins }: { readonly begins: Begins }) {
    this.#context = context
    this.#deps = deps
    this.#begins = begins
    this.#notSigned = new NotSignedAlerts(deps.alerts)
  }

  /**
   * Runs one pass (tlog.md, section 7, B to F), or resolves with the reason why there is no key. Creates `log.vkey` once a row names
   * the key, so that a key that never begins a log is not pinned, and raises an alert for a chain that is not signed, or for the platform chain where none can be. Rejects as {@link openLogKeys} does, with
   * `key_mismatch` where the log of another platform key was begun, where PostgreSQL fails, and at the signal.
   */
  async pass(options: Omit<PassOptions, 'mayBegin'>, signal: AbortSignal): Promise<SignedPass | NoLogKeys> {
    // A pass over some chains says nothing of the others.
    const isWhole = options.only === undefined
    try {
      const opened = await this.#open()
      if (!('reason' in opened)) return await this.#passOf(opened, options, signal)
      if (isWhole && opened.reason === 'no_key') this.#reportAll(opened.reason)
      return opened
    } catch (error) {
      const reason = reasonOf(error)
      if (isWhole && reason !== undefined && !signal.aborted) this.#reportAll(reason)
      throw error
    }
  }

  async #passOf(
    { keys, mayBegin, signer, mirrors }: Opened,
    options: Omit<PassOptions, 'mayBegin'>,
    signal: AbortSignal,
  ): Promise<SignedPass> {
    mirrors.begin()
    const chains = await signer.pass({ ...options, mayBegin }, signal)
    if (options.only === undefined) {
      this.#reported = chains
      this.#notSigned.report(chains)
    }
    return { keys: await this.#begun(keys), chains }
  }

  /** Reports why no chain is signed, by the platform chain. What is known of the others stays as it is. */
  #reportAll(reason: NotSignedReason): void {
    const { domainId } = PLATFORM
    const others = this.#reported.filter((chain) => chain.domainId !== domainId)
    this.#notSigned.report([...others, { domainId, reason }])
  }

  /** Signs over the rows that keep one chain from being signed, and signs it. Rejects as {@link pass} and `signOver` do. */
  async over(request: SignOverRequest, signal: AbortSignal): Promise<SignedOver | NoLogKeys> {
    const opened = await this.#open()
    if ('reason' in opened) return opened
    const { signOver } = await import('../../signer/sign-over.js')
    opened.mirrors.begin()
    const over = await signOver(opened.deps, request, signal)
    await this.#begun(opened.keys)
    return over
  }

  /** Returns the keys as the rows name them now, and creates `log.vkey` where the first row was written. */
  async #begun(keys: OpenLogKeys): Promise<OpenLogKeys> {
    if (keys.isInitialised) return keys
    const now = await openLogKeys(this.#context)
    if (!('keys' in now) || !now.isInitialised) return keys
    await this.#createVkey(now)
    return now
  }

  async #open(): Promise<Opened | NoLogKeys> {
    const keys = await openLogKeys(this.#context, { mint: true })
    if (!('keys' in keys)) return keys
    const mayBegin = this.#mayBegin(keys)
    if (keys.isInitialised) await this.#createVkey(keys)
    const current = this.#opened
    this.#opened =
      current !== undefined && isSame(current.keys, keys)
        ? { ...current, keys, mayBegin }
        : { keys, mayBegin, ...(await this.#signerOf(keys)) }
    return this.#opened
  }

  /** A second platform key that no row links to the first would make both worthless for a verifier that has only the rows. */
  #mayBegin({ others: [other], isInitialised, platformKey }: OpenLogKeys): boolean {
    if (this.#begins === 'beside' || isInitialised) return true
    if (other === undefined) return this.#begins === 'asked' || this.#context.embedded
    if (this.#begins === 'home') return false
    throw new AuditError(
      'key_mismatch',
      `a row of the platform chain names the platform key ${other.id}, and the log key gives ${platformKey.id}`,
      { advice: { code: 'begin_beside_log_key' } },
    )
  }

  async #createVkey({ platformKey }: OpenLogKeys): Promise<void> {
    const { createVkeyFile } = await import('../../local/home-vkey.js')
    await createVkeyFile(this.#context.home, platformKey)
  }

  async #signerOf({ keys }: OpenLogKeys): Promise<Pick<Opened, 'deps' | 'signer' | 'mirrors'>> {
    const { Signer } = await import('../../signer/sign-pass.js')
    const mirrors = new PassMirrors(this.#deps)
    const deps = await signerDepsOf(this.#context, keys, mirrors, this.#deps)
    return { mirrors, deps, signer: new Signer(deps) }
  }
}

function isSame(one: OpenLogKeys, other: OpenLogKeys): boolean {
  return one.platformKey.name === other.platformKey.name && one.platformKey.id === other.platformKey.id
}
