import type { FastifyRequest } from 'fastify'
import { JsonProblem, parseStrictJson } from '../../append/input/strict-json.js'
import type { App } from '../app-type.js'
import { hasBody } from '../has-body.js'
import { HttpProblem } from '../problem/problem.js'

const JSON_TYPE = 'application/json'

/**
 * Accepts JSON bodies only. An empty body counts as no body, whatever its headers, and so does `null`: clients send both for
 * a body that the caller left out.
 */
export function acceptBodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const type = plainType(headers)
    // Fastify refuses a Content-Type that it cannot parse, even of a request that has no body.
    if (type === undefined) delete headers['content-type']
    else headers['content-type'] = type
  })
  app.addContentTypeParser(
    [JSON_TYPE, '*'],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => parseBody(request, withoutMark(bytes)),
  )
}

/** Returns the Content-Type that decides how a body is read; undefined without a body. */
function plainType(headers: Readonly<Record<string, unknown>>): string | undefined {
  if (!hasBody(headers)) return undefined
  // A proxy may have joined repeated headers with commas.
  const types = String(headers['content-type'] ?? '').split(',')
  const isJson = types.every((type) => type.split(';')[0]?.trim().toLowerCase() === JSON_TYPE)
  return isJson ? JSON_TYPE : 'application/octet-stream'
}

function parseBody({ headers }: FastifyRequest, bytes: Buffer): unknown {
  if (isNothing(bytes)) return undefined
  if (/[^\s,]/.test((headers['content-encoding'] ?? '').replace(/\bidentity\b/gi, '')))
    throw invalidBody('Content-Encoding: expected none, because the body is read as it was sent')
  if (headers['content-type'] !== JSON_TYPE) throw invalidBody(`expected a body of Content-Type ${JSON_TYPE}`)
  try {
    return parseStrictJson(bytes)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw invalidBody(`the body: ${error.message}`)
  }
}

/** Reads an empty list as a missing body, for an operation that takes an optional object: PHP encodes an empty array so. */
export async function acceptEmptyList(request: FastifyRequest): Promise<void> {
  if (Array.isArray(request.body) && request.body.length === 0) request.body = undefined
}

/** Returns the bytes without the byte order mark that .NET and PowerShell write. */
function withoutMark(bytes: Buffer): Buffer {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return hasMark ? bytes.subarray(3) : bytes
}

function isNothing(bytes: Buffer): boolean {
  return /^[ \t\r\n]*(?:null)?[ \t\r\n]*$/.test(bytes.toString('latin1'))
}

function invalidBody(detail: string): HttpProblem {
  return new HttpProblem(400, { code: 'invalid_body', detail })
}
