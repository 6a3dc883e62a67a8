import { v1 } from '@authzed/authzed-node'
import { AuditError } from '../base/errors.js'
import type { AccessDecision, AccessObject, AccessRelation, Authorizer } from '../ports/access.js'
import { spicedbId } from './spicedb-id.js'

export interface SpicedbSettings {
  /** `host:port`. */
  readonly endpoint: string
  readonly token: string
  /** CA certificates (PEM) for SpiceDB's TLS certificate. Default: those of the system. */
  readonly ca?: Buffer | undefined
  readonly isInsecure: boolean
  /** Milliseconds for one check; default 3,000. */
  readonly deadline?: number | undefined
}

/** By default gRPC waits up to two minutes between two tries; the server would answer 503 that long after SpiceDB is back. */
const CHANNEL = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.max_receive_message_length': 1024 * 1024,
}

/** A status code of gRPC. */
const DEADLINE_EXCEEDED = 4

interface CallError {
  readonly code?: number
  readonly details?: string
}

/**
 * Checks relations in SpiceDB (docs/spicedb.zed). Each check is fully consistent: a relation that was deleted before the check
 * does not count. Rejects with `authorizer_unavailable` unless a clear answer comes within the deadline.
 */
export class SpicedbAuthorizer implements Authorizer {
  readonly #settings: SpicedbSettings
  #client: v1.ZedClientInterface
  #answeredAt = 0

  constructor(settings: SpicedbSettings) {
    this.#settings = settings
    this.#client = connect(settings)
  }

  async check(
    subject: string,
    relation: AccessRelation,
    object: AccessObject,
    signal: AbortSignal,
  ): Promise<AccessDecision> {
    const asked = request(subject, relation, object)
    if (asked === undefined) return DENIED
    try {
      return decisionOf(await this.#ask(asked, signal))
    } catch (error) {
      if (isTooDeep(error)) return DENIED
      if (error instanceof AuditError) throw error
      throw new AuditError('authorizer_unavailable', 'SpiceDB did not answer the check', { cause: error })
    }
  }

  close(): void {
    this.#client.close()
  }

  #ask(asked: v1.CheckPermissionRequest, signal: AbortSignal): Promise<v1.CheckPermissionResponse> {
    const [client, startedAt] = [this.#client, performance.now()]
    const deadline = Date.now() + (this.#settings.deadline ?? 3_000)
    return new Promise((resolve, reject) => {
      const call = client.checkPermission(asked, { deadline }, (error, response) => {
        signal.removeEventListener('abort', cancel)
        if (error?.code === DEADLINE_EXCEEDED) this.#renew(client, startedAt)
        else this.#answeredAt = performance.now()
        if (error === null && response !== undefined) resolve(response)
        else reject(error)
      })
      const cancel = () => call.cancel()
      signal.addEventListener('abort', cancel, { once: true })
    })
  }

  /** Replaces the connection after a timeout: a dead connection can look alive for a quarter of an hour. */
  #renew(client: v1.ZedClientInterface, startedAt: number): void {
    if (client !== this.#client || this.#answeredAt > startedAt) return
    this.#client = connect(this.#settings)
    client.close()
  }
}

const DENIED: AccessDecision = { allowed: false, reason: 'insufficient_relation' }

function connect({ endpoint, token, ca, isInsecure }: SpicedbSettings): v1.ZedClientInterface {
  if (ca !== undefined) return v1.NewClientWithCustomCert(token, endpoint, ca, undefined, CHANNEL)
  const { SECURE, INSECURE_PLAINTEXT_CREDENTIALS } = v1.ClientSecurity
  return v1.NewClient(
    token,
    endpoint,
    isInsecure ? INSECURE_PLAINTEXT_CREDENTIALS : SECURE,
    undefined,
    CHANNEL,
  )
}

/** Returns the request, or undefined for a subject that SpiceDB cannot name. */
function request(
  subject: string,
  permission: AccessRelation,
  object: AccessObject,
): v1.CheckPermissionRequest | undefined {
  const [subjectType = '', objectType = ''] = [typeOf(subject), typeOf(object)]
  const objectId = spicedbId(subject.slice(subjectType.length + 1))
  if (objectId === undefined) return undefined
  return v1.CheckPermissionRequest.create({
    consistency: { requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } },
    resource: { objectType, objectId: object.slice(objectType.length + 1) },
    permission,
    subject: { object: { objectType: subjectType, objectId }, optionalRelation: '' },
  })
}

const typeOf = (name: string) => name.split(':', 1)[0]

function decisionOf({ permissionship }: v1.CheckPermissionResponse): AccessDecision {
  const { HAS_PERMISSION, NO_PERMISSION, CONDITIONAL_PERMISSION } = v1.CheckPermissionResponse_Permissionship
  if (permissionship === HAS_PERMISSION) return { allowed: true }
  if (permissionship === NO_PERMISSION) return DENIED
  // The relation has a caveat, and no check here passes a context that could satisfy one.
  if (permissionship === CONDITIONAL_PERMISSION) return { allowed: false, reason: 'caveat_violation' }
  throw new AuditError('authorizer_unavailable', 'SpiceDB answered neither yes nor no')
}

/** Returns whether SpiceDB reached its depth limit, as for groups that contain each other, and found no relation. */
function isTooDeep(error: unknown): boolean {
  return /max depth exceeded/i.test((error as CallError | null)?.details ?? '')
}
