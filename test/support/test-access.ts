import { AuditError } from '../../src/base/errors.js'
import type {
  AccessDecision,
  AccessObject,
  AccessRelation,
  Authenticator,
  Authorizer,
  Principal,
} from '../../src/ports/access.js'

/** An authenticator and an authorizer in memory. Each can be made unavailable. */
export class TestAccess implements Authenticator, Authorizer {
  readonly #principals = new Map<string, Principal>()
  readonly #granted = new Set<string>()
  /** The part that is unavailable. */
  gone: 'authenticator' | 'authorizer' | undefined
  /** The error of the unavailable part. */
  failure: Error = new AuditError('authorizer_unavailable', 'no SpiceDB')
  denial: AccessDecision & { allowed: false } = { allowed: false, reason: 'insufficient_relation' }

  /** Adds a caller whose bearer text is `name`. */
  caller(name: string, options: Partial<Principal> = {}): string {
    const principal = { subject: `user:${name}`, subjectId: name, readOnly: false, hasOwnerKey: false }
    this.#principals.set(name, { ...principal, ...options })
    return name
  }

  grant(name: string, relation: AccessRelation, ...objects: readonly AccessObject[]): void {
    for (const object of objects) this.#granted.add(`user:${name} ${relation} ${object}`)
  }

  async authenticate(bearer: string): Promise<Principal | undefined> {
    if (this.gone === 'authenticator') throw this.failure
    return this.#principals.get(bearer)
  }

  async check(subject: string, relation: AccessRelation, object: AccessObject): Promise<AccessDecision> {
    if (this.gone === 'authorizer') throw this.failure
    return this.#granted.has(`${subject} ${relation} ${object}`) ? { allowed: true } : this.denial
  }
}
