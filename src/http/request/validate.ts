import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { issueProblem } from '../problem/issue.js'
import { HttpProblem } from '../problem/problem.js'

/**
 * Parses one part of a request by its schema. A part that the schema refuses becomes a 400 with a problem code. A member of a
 * body that is null counts as absent: some generated clients write every member.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = '' }) => {
  return (data: unknown) => {
    const parsed = schema.safeParse(httpPart === 'body' ? bodyOf(data) : data)
    if (parsed.success) return { value: parsed.data }
    return { error: new HttpProblem(400, issueProblem(parsed.error.issues[0], httpPart)) }
  }
}

/** Returns the body without members that are null. Fastify passes null for a missing body. */
function bodyOf(data: unknown): unknown {
  if (data === null) return undefined
  if (typeof data !== 'object' || Array.isArray(data)) return data
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null))
}
