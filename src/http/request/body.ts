import type { FastifyRequest } from 'fastify'
import { JsonProblem, parseStrictJson } from '../../append/input/strict-json.js'
import type { App } from '../app-type.js'
import { HttpProblem } from '../problem/problem.js'

/** Accepts JSON bodies only. An empty body counts as no body, whatever its Content-Type: the Go client sends such requests. */
export function acceptBodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_: FastifyRequest, bytes: Buffer) => (bytes.length === 0 ? undefined : parseBody(bytes)),
  )
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_: FastifyRequest, bytes: Buffer) => {
    if (bytes.length > 0) throw invalidBody('expected a body of Content-Type application/json')
    return undefined
  })
}

function parseBody(bytes: Buffer): unknown {
  try {
    const value = parseStrictJson(bytes)
    if (value !== null) return value
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw invalidBody(`the body: ${error.message}`)
  }
  throw invalidBody('expected a JSON object')
}

function invalidBody(detail: string): HttpProblem {
  return new HttpProblem(400, { code: 'invalid_body', detail })
}
