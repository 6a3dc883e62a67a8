import { setTimeout as sleep } from 'node:timers/promises'
import type { GivenMirrors } from '../../base/advice.js'
import { isRetryable } from '../../base/errors.js'
import type { Signing } from '../../compose/sign/signing.js'
import type { ChainSigned } from '../../signer/sign-chain.js'
import type { Output } from '../output/output.js'
import { hideCredentials, safeText } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { onSameLog } from '../shell/given-log.js'
import { hintOf } from '../shell/hints.js'
import { pauseAfter } from './interval.js'
import { NO_KEY } from './pass.js'
import { nextStep } from './reasons.js'
import { refusedText, signedJson, signedText } from './text.js'

export interface LoopOptions {
  readonly json: boolean
  readonly out: Output
  readonly given: GivenMirrors
  /** The chains that have rows that the archiver holds back now. */
  readonly held: ReadonlySet<string>
  /** Milliseconds between two passes, 0 for none; absent: the default. */
  readonly interval?: number | undefined
}

/** The passes of the signer beside a worker. What lasts is printed when it begins and when it ends. */
export class SigningLoop {
  readonly #signing: Signing
  readonly #options: LoopOptions
  /** What was printed last about each chain that was not signed, and about the pass as a whole. */
  readonly #printed = new Map<string, string>()

  constructor(signing: Signing, options: LoopOptions) {
    this.#signing = signing
    this.#options = options
  }

  /** Signs every interval until the signal, or until signing is off. Rejects at a bug, and with `schema_newer`. */
  async run(signal: AbortSignal): Promise<void> {
    const { interval } = this.#options
    if (interval === 0) return
    while (!signal.aborted) {
      const growing = await this.#pass(signal)
      if (growing === undefined) return
      await sleep(pauseAfter(interval, growing), undefined, { signal }).catch(() => undefined)
    }
  }

  /** Runs one pass. Returns how many chains had grown; undefined where signing is off. */
  async #pass(signal: AbortSignal): Promise<number | undefined> {
    try {
      const pass = await this.#signing.pass({ held: this.#options.held }, signal)
      if ('chains' in pass) return await this.#print(pass.chains)
      if (pass.reason === 'off') return undefined
      this.#begin('', [NO_KEY])
      return 0
    } catch (error) {
      if (signal.aborted) return 0
      if (!isRetryable(error)) throw error
      const hint = hintOf(error)
      this.#begin('', [
        safeText(hideCredentials(`not signing: ${error.message}`)),
        ...(hint === undefined ? [] : [`  ${safeText(hideCredentials(hint))}`]),
      ])
      return 0
    }
  }

  async #print(chains: readonly ChainSigned[]): Promise<number> {
    const { json, out, given } = this.#options
    this.#end('', 'signing works again')
    for (const chain of chains) {
      if (chain.rows > 0) await (json ? out.json(signedJson(chain)) : out.line(signedText(chain)))
      if (isSigned(chain)) this.#end(chain.domainId, `${chain.domainId}: signed again`)
      else {
        const next = nextStep(chain, given)
        this.#begin(chain.domainId, refusedText(chain, next && onSameLog(next)))
      }
    }
    return chains.length
  }

  /** Prints the lines of a failure, unless they were printed. A reason stays the same while its sizes grow. */
  #begin(key: string, lines: readonly string[]): void {
    const text = lines.join('\n').replace(/\d+/g, '')
    if (this.#printed.get(key) === text) return
    this.#printed.set(key, text)
    for (const line of lines) note(line)
  }

  #end(key: string, line: string): void {
    if (this.#printed.delete(key)) note(line)
  }
}

function isSigned({ reason, error }: ChainSigned): boolean {
  return reason === undefined && error === undefined
}
