import type { AuditError } from '../base/errors.js'
import type { BaoAnswer, BaoRequest } from './openbao-http.js'
import type { BaoLogin } from './openbao-settings.js'

interface TokenDeps {
  /** Returns an answer with any status but 5xx. */
  readonly send: (request: BaoRequest) => Promise<BaoAnswer>
  readonly now: () => number
  readonly failed: (what: string, status: number) => AuditError
}

/** A token as a login gives it. Times are milliseconds by the clock of the dependencies. */
interface Lease {
  readonly token: string
  readonly renewable: boolean
  /** From this time on the token is renewed or replaced. */
  readonly renewAt: number
  readonly expiresAt: number
}

/**
 * Provides the token that requests carry. A configured token is used unchanged. A token of an AppRole is renewed after two
 * thirds of its lifetime. It is replaced by a new login when it cannot be renewed, has expired or was refused. Concurrent
 * callers share one renewal. Renewal is tried before a new login because a SecretID may allow one login only.
 */
export class BaoTokens {
  readonly #login: BaoLogin
  readonly #deps: TokenDeps
  #lease: Lease | undefined
  #renewing: Promise<Lease> | undefined

  constructor(login: BaoLogin, deps: TokenDeps) {
    this.#login = login
    this.#deps = deps
  }

  /** Rejects with `pepper_unavailable`. */
  async current(): Promise<string> {
    if ('token' in this.#login) return this.#login.token
    const lease = this.#lease
    if (lease !== undefined && this.#deps.now() < lease.renewAt) return lease.token
    this.#renewing ??= this.#next(lease).finally(() => {
      this.#renewing = undefined
    })
    return (await this.#renewing).token
  }

  /** Drops a token that was refused. Returns whether another token can be requested. */
  discard(token: string): boolean {
    if ('token' in this.#login) return false
    if (this.#lease?.token === token) this.#lease = undefined
    return true
  }

  async #next(lease: Lease | undefined): Promise<Lease> {
    const next = (lease && (await this.#renewed(lease))) ?? (await this.#loggedIn())
    this.#lease = next
    return next
  }

  async #renewed({ token, renewable, expiresAt }: Lease): Promise<Lease | undefined> {
    if (!renewable || this.#deps.now() >= expiresAt) return undefined
    const { status, body } = await this.#deps.send({
      method: 'POST',
      path: 'auth/token/renew-self',
      token,
      body: {},
    })
    return status === 200 ? leaseOf(body, this.#deps.now()) : undefined
  }

  async #loggedIn(): Promise<Lease> {
    if ('token' in this.#login) throw this.#deps.failed('AppRole login', 0)
    const { roleId, secretId } = this.#login
    const { status, body } = await this.#deps.send({
      method: 'POST',
      path: 'auth/approle/login',
      body: { role_id: roleId, secret_id: secretId },
    })
    const lease = status === 200 ? leaseOf(body, this.#deps.now()) : undefined
    if (lease === undefined) throw this.#deps.failed('AppRole login', status)
    return lease
  }
}

/** Returns the token of an answer's `auth`; undefined where it is missing or cannot be sent in a header. */
function leaseOf(body: unknown, now: number): Lease | undefined {
  const { auth } = (body ?? {}) as { auth?: Readonly<Record<string, unknown>> | null }
  const token = auth?.client_token
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return undefined
  const seconds = Number(auth?.lease_duration ?? 0)
  // A token without a lease does not expire.
  const lifetime = seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY
  return {
    token,
    renewable: auth?.renewable === true,
    renewAt: now + (lifetime * 2) / 3,
    expiresAt: now + lifetime,
  }
}
