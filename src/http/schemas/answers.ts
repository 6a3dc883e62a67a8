import type { z } from 'zod'
import { permissionDenied, problem } from './problem.js'

export const BEARER: readonly { [scheme: string]: readonly string[] }[] = [{ bearer: [] }]

const problemAnswer = (description: string, schema: z.ZodType = problem) => ({
  description,
  content: { 'application/problem+json': { schema } },
})

/** Answers of every operation, besides its success. */
export const COMMON_ANSWERS = {
  400: problemAnswer('The request is not valid.'),
  401: problemAnswer('The credential is missing or not valid.'),
  404: problemAnswer('The Domain or the entry does not exist.'),
  500: problemAnswer('A bug in this server.'),
  501: problemAnswer('This server does not provide this operation.'),
  503: problemAnswer('The database or the authorizer is unavailable.'),
} as const

/** For operations that answer 403. */
export const DENIED = {
  403: problemAnswer('The caller does not have the required relation.', permissionDenied),
} as const

/** For operations that delete. */
export const HELD = { 409: problemAnswer('A legal hold forbids the erasure.') } as const

/** For operations with a body. */
export const BODY_ANSWERS = { 413: problemAnswer('The body is larger than 8 KiB.') } as const

export const BUSY = { 429: problemAnswer('Too many verifications are running; see Retry-After.') } as const

/** The header of a list by time on a chain that is ahead of the clock. */
export const ROWS_AHEAD_HEADER = 'audit-clock-ahead-rows'

/** Headers of an answer, as the OpenAPI document describes them. */
type AnswerHeaders = Readonly<Record<string, { readonly type: string; readonly description: string }>>

export const ROWS_AHEAD: AnswerHeaders = {
  'Audit-Clock-Ahead-Rows': {
    type: 'integer',
    description:
      'How many rows of the chain are ahead of the clock by more than 60 seconds. Only on a list with `from` or `to`, and only if there are any: a list up to now does not show them, whenever they were appended.',
  },
}

export function success(description: string, schema: z.ZodType, headers?: AnswerHeaders) {
  const content = { 'application/json': { schema } }
  return { 200: { description, ...(headers !== undefined && { headers }), content } }
}
