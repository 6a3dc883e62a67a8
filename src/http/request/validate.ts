import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { issueProblem } from '../problem/issue.js'
import { HttpProblem } from '../problem/problem.js'

/** Parses one part of a request by its schema. A part that the schema refuses becomes a 400 with a problem code. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = '' }) => {
  return (data: unknown) => {
    // Fastify passes null for a missing body. A body that is JSON null has been refused before.
    const parsed = schema.safeParse(httpPart === 'body' && data === null ? undefined : data)
    if (parsed.success) return { value: parsed.data }
    return { error: new HttpProblem(400, issueProblem(parsed.error.issues[0], httpPart)) }
  }
}
