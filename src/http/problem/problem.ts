import { STATUS_CODES } from 'node:http'
import type { DenialReason } from '../../ports/access.js'

/** The codes of http.md and no other: clients that exist may know them as a closed set. */
export const PROBLEM_CODES = [
  'invalid_limit',
  'invalid_cursor',
  'invalid_subject',
  'invalid_range',
  'invalid_seq',
  'invalid_body',
  'invalid_identity_id',
  'invalid_domain_id',
  'request_body_too_large',
  'domain_not_found',
  'entry_not_found',
  'audit_not_provisioned',
] as const

export type ProblemCode = (typeof PROBLEM_CODES)[number]

export function isProblemCode(code: unknown): code is ProblemCode {
  return (PROBLEM_CODES as readonly unknown[]).includes(code)
}

/** The body of an answer that is no success (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code?: ProblemCode
  readonly reason?: string
  readonly correlation_id?: string
  readonly relation_path?: readonly string[]
}

export interface ProblemOptions {
  readonly code?: ProblemCode | undefined
  /** One fixed text a kind of problem: nothing of the request, of a row or of an error of the database. */
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
  readonly members?: Pick<Problem, 'reason' | 'correlation_id' | 'relation_path'>
  /** The answer shows nothing of this one request: neither its correlation id nor the last segment of its path. */
  readonly anonymous?: true
}

/** Ends a request with a problem. Thrown within src/http alone. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'

  constructor(
    readonly status: number,
    readonly options: ProblemOptions,
  ) {
    super(options.detail)
  }

  /** `instance`: a URI reference of what was asked for. */
  body(instance: string): Problem {
    const { code, detail, members } = this.options
    return {
      type: code === undefined ? 'about:blank' : `urn:audit:problem:${code}`,
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail,
      instance,
      ...(code !== undefined && { code }),
      ...members,
    }
  }
}

export function unauthenticated(): HttpProblem {
  return new HttpProblem(401, {
    detail: 'this needs a valid credential',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** The one answer for an entry that is not there and for one that must not be seen, byte for byte. */
export function entryNotFound(): HttpProblem {
  return new HttpProblem(404, {
    code: 'entry_not_found',
    detail: 'the chain has no such entry',
    anonymous: true,
  })
}

/** The port that an operation needs. Throws 501 where it is not wired. */
export function provisioned<T>(port: T | undefined): T {
  if (port !== undefined) return port
  throw new HttpProblem(501, {
    code: 'audit_not_provisioned',
    detail: 'this server is not equipped for this operation',
  })
}

export function permissionDenied(
  correlationId: string,
  { reason, relationPath }: { reason: DenialReason; relationPath?: readonly string[] | undefined },
): HttpProblem {
  return new HttpProblem(403, {
    detail: 'the credential does not allow this',
    members: {
      reason,
      correlation_id: correlationId,
      ...(relationPath !== undefined && { relation_path: relationPath }),
    },
  })
}
