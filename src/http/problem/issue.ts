import { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import { isProblemCode, type ProblemCode } from './problem.js'

/** Adds an issue with a problem code to a schema check. The message must not hold a value of the request. */
export function problemIssue(
  context: z.RefinementCtx,
  problemCode: ProblemCode | undefined,
  message: string,
): void {
  context.addIssue({ code: 'custom', message, params: { problemCode } })
}

/** Returns what `parse` returns, and turns an AuditError that it throws into an issue of the request. */
export function auditErrorIssue<T>(context: z.RefinementCtx, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    problemIssue(context, isProblemCode(error.code) ? error.code : undefined, error.message)
    return z.NEVER
  }
}

/** The code by field, for values that the schema itself refused: wrong type, out of range, given twice. */
const BY_FIELD: Readonly<Record<string, ProblemCode>> = {
  limit: 'invalid_limit',
  cursor: 'invalid_cursor',
  subject: 'invalid_subject',
  from: 'invalid_range',
  to: 'invalid_range',
  seq: 'invalid_seq',
  from_seq: 'invalid_seq',
  to_seq: 'invalid_seq',
  domain_id: 'invalid_domain_id',
  identity_id: 'invalid_identity_id',
}

/** Returns the code and the rule for what a schema refused. Repeats nothing of the request but field names of the schema. */
export function issueProblem(
  issue: z.core.$ZodRawIssue | z.core.$ZodIssue | undefined,
  part: string,
): { readonly code: ProblemCode | undefined; readonly detail: string } {
  const field = String(issue?.path?.[0] ?? '')
  const fallback = part === 'body' ? 'invalid_body' : undefined
  if (issue?.code === 'custom') {
    const given: unknown = issue.params?.problemCode
    return { code: isProblemCode(given) ? given : (BY_FIELD[field] ?? fallback), detail: issue.message ?? '' }
  }
  if (issue?.code === 'unrecognized_keys') {
    return {
      code: fallback,
      detail: part === 'body' ? 'the body has an unknown member' : 'unknown query parameter',
    }
  }
  if (field === '') return { code: fallback, detail: 'expected a JSON object' }
  return {
    code: BY_FIELD[field] ?? fallback,
    detail: `${field}: ${RULES[field] ?? 'expected once, as text'}`,
  }
}

const RULES: Readonly<Record<string, string>> = {
  from_seq: 'expected an integer from 1 to 2^53-1',
  to_seq: 'expected an integer from 1 to 2^53-1',
  identity_id: 'expected a UUID of 36 characters',
}
