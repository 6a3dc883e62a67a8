import { setTimeout as sleep } from 'node:timers/promises'
import type { Advice } from '../base/advice.js'
import { type BackOff, backOff } from '../base/back-off.js'
import { AuditError } from '../base/errors.js'
import { type BaoAnswer, BaoHttp, type BaoRequest, NoAnswer } from './openbao-http.js'
import type { BaoSettings } from './openbao-settings.js'
import { BaoTokens } from './openbao-tokens.js'

/** Times and retries, which tests shorten. */
export interface BaoPatience {
  /** Milliseconds for one attempt. */
  readonly timeout: number
  /** Attempts after the first one, and the waits before them. */
  readonly retries: number
  readonly backOff: BackOff
  /** The clock of leases, milliseconds. */
  readonly now: () => number
}

/** Four attempts in at most 22 s. The waits are at least 100, 300 and 900 ms, and at most half as long again. */
const RETRY_LIMITS: BaoPatience = {
  timeout: 5000,
  retries: 3,
  backOff: { first: 150, growth: 3, jitter: 1 / 3 },
  now: () => performance.now(),
}

export interface BaoOptions extends BaoSettings {
  readonly origin: string
  readonly patience?: BaoPatience | undefined
}

/** An answer, and whether an earlier attempt of the request got no answer: the server may have executed that attempt. */
export interface Tried extends BaoAnswer {
  readonly repeated: boolean
}

/**
 * Sends requests to one OpenBao or Vault. Retries a lost connection, a time-out and 5xx with growing waits, and no other
 * answer. All errors are `pepper_unavailable`, with the address and a message of our own.
 */
export class BaoClient {
  readonly #http: BaoHttp
  readonly #tokens: BaoTokens
  readonly #patience: BaoPatience
  readonly #origin: string

  constructor(options: BaoOptions) {
    const patience = options.patience ?? RETRY_LIMITS
    this.#http = new BaoHttp({ ...options, timeout: patience.timeout })
    this.#patience = patience
    this.#origin = options.origin
    this.#tokens = new BaoTokens(options.login, {
      send: (request) => this.#withRetries(request),
      now: patience.now,
      failed: (what, status) => this.failure(`${what}: ${statusText(status)}`),
    })
  }

  /** Returns the answer, with any status but 5xx. Replaces a refused token of an AppRole once. */
  async send(request: Omit<BaoRequest, 'token'>): Promise<Tried> {
    const token = await this.#tokens.current()
    const answer = await this.#withRetries({ ...request, token })
    if (answer.status !== 403 || !this.#tokens.discard(token)) return answer
    const again = await this.#withRetries({ ...request, token: await this.#tokens.current() })
    return { ...again, repeated: answer.repeated || again.repeated }
  }

  failure(problem: string, advice?: Advice): AuditError {
    return new AuditError('pepper_unavailable', `OpenBao at ${this.#origin}: ${problem}`, { advice })
  }

  async #withRetries(request: BaoRequest): Promise<Tried> {
    let problem = ''
    for (let tries = 0; tries <= this.#patience.retries; tries += 1) {
      if (tries > 0) await sleep(backOff(this.#patience.backOff, tries))
      const answer = await this.#try(request)
      if (typeof answer !== 'string') return { ...answer, repeated: tries > 0 }
      problem = answer
    }
    throw this.failure(problem, { code: 'retry_when_vault_answers' })
  }

  /** Returns the answer, or the problem that a retry may solve. Throws for other problems. */
  async #try(request: BaoRequest): Promise<BaoAnswer | string> {
    try {
      const answer = await this.#http.send(request)
      return answer.status >= 500 ? statusText(answer.status) : answer
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.mayPass) return error.message
      throw this.failure(error.message)
    }
  }
}

const STATUS: Readonly<Record<number, string>> = {
  307: 'a standby that sends us to another node: name the active one, or have standbys forward',
  400: 'it refused the request',
  403: 'permission denied',
  404: 'there is no such path',
  429: 'it limits the rate of requests, or is a standby that does not forward',
  472: 'a standby of another site',
  473: 'a performance standby that does not forward',
  503: 'it is sealed or in maintenance',
}

/** Describes a status in our own words: the server's words might repeat what was sent. */
export function statusText(status: number): string {
  const words = STATUS[status] ?? (status >= 500 ? 'it failed' : 'an answer that is not expected')
  return `${words} (${status})`
}
