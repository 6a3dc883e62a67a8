import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { issueProblem } from '../problem/issue.js'
import { HttpProblem } from '../problem/problem.js'

/** Parses a part of a request by its schema; what the schema refuses is a 400 with the code of http.md. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = '' }) => {
  return (data: unknown) => {
    // Fastify gives null for a body that is not there; one that is null never gets here.
    const parsed = schema.safeParse(httpPart === 'body' && data === null ? undefined : data)
    if (parsed.success) return { value: parsed.data }
    return { error: new HttpProblem(400, issueProblem(parsed.error.issues[0], httpPart)) }
  }
}
