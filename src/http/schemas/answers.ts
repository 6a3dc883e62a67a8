import type { z } from 'zod'
import { permissionDenied, problem } from './problem.js'

export const BEARER: readonly { [scheme: string]: readonly string[] }[] = [{ bearer: [] }]

const problemAnswer = (description: string, schema: z.ZodType = problem) => ({
  description,
  content: { 'application/problem+json': { schema } },
})

/** What every operation of the contract may answer beside its own success. */
export const COMMON_ANSWERS = {
  400: problemAnswer('The request is not valid.'),
  401: problemAnswer('No credential, or one that is not good.'),
  404: problemAnswer('No such Domain or entry.'),
  500: problemAnswer('A bug in this server.'),
  501: problemAnswer('This server is not equipped for this operation.'),
  503: problemAnswer('The database or the authorizer is out of reach.'),
} as const

/** Of the operations that say that they are forbidden. */
export const DENIED = { 403: problemAnswer('The credential lacks the relation.', permissionDenied) } as const

/** Of the operations that delete. */
export const HELD = { 409: problemAnswer('A legal hold keeps it from being erased.') } as const

/** Of the operations that take a body. */
export const BODY_ANSWERS = { 413: problemAnswer('A body of more than 8 KiB.') } as const

export const BUSY = { 429: problemAnswer('Too many verifies are running; see Retry-After.') } as const

export function success(description: string, schema: z.ZodType) {
  return { 200: { description, content: { 'application/json': { schema } } } }
}
