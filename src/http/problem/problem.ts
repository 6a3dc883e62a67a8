import { STATUS_CODES } from 'node:http'
import type { DenialReason } from '../../ports/access.js'

/** All problem codes of the contract. Add none: existing clients may treat them as a closed set. */
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

/** The body of an error answer (RFC 9457). */
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
  /** One fixed text for each kind of problem. Holds nothing of the request, of a row or of a database error. */
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
  readonly members?: Pick<Problem, 'reason' | 'correlation_id' | 'relation_path'>
  /** The answer shows neither the request's correlation id nor the last segment of its path. */
  readonly anonymous?: true
}

/** Ends a request with a problem document. Thrown only in src/http. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'

  constructor(
    readonly status: number,
    readonly options: ProblemOptions,
  ) {
    super(options.detail)
  }

  /** Returns the body. `instance` is a URI reference of the requested resource. */
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
    detail: 'a valid credential is required',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Returns the one answer, byte for byte, for an entry that does not exist and for one that the caller must not see. */
export function entryNotFound(): HttpProblem {
  return new HttpProblem(404, {
    code: 'entry_not_found',
    detail: 'the chain has no such entry',
    anonymous: true,
  })
}

/** Returns the port that an operation needs. Throws 501 when the server has none. */
export function provisioned<T>(port: T | undefined): T {
  if (port !== undefined) return port
  throw new HttpProblem(501, {
    code: 'audit_not_provisioned',
    detail: 'this server does not provide this operation',
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
