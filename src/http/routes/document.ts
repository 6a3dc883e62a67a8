import swagger from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import type { App } from '../app-type.js'

type Document = OpenAPIV3_1.Document

/** Generates the OpenAPI 3.1 document from the schemas that the routes validate with, and serves it at /openapi.json. */
export async function registerDocument(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Audit log, read surface',
        description: 'A tamper-evident audit log: list, get with proof, verify, erase.',
        version: '1.0.0',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: transformWithHeaders,
    transformObject: jsonSchemaTransformObject,
  })
  let text: string | undefined
  app.get('/openapi.json', { exposeHeadRoute: true, schema: { hide: true } }, async (_request, reply) => {
    text ??= documentText(app)
    return reply.type('application/json').send(text)
  })
}

/** Keeps the headers of an answer, which the transformer of the schemas drops. */
const transformWithHeaders: typeof jsonSchemaTransform = (input) => {
  const transformed = jsonSchemaTransform(input)
  const described: unknown = transformed.schema?.response
  for (const [status, answer] of Object.entries(input.schema?.response ?? {})) {
    if (isObject(answer) && 'headers' in answer && isObject(described) && isObject(described[status]))
      Object.assign(described[status], { headers: answer.headers })
  }
  return transformed
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Returns the text of docs/openapi.json, the final newline included. */
export function documentText(app: App): string {
  return `${JSON.stringify(withoutDuplicates(app.swagger() as Document), null, 2)}\n`
}

const INPUT = /^(.*)Input$/

/**
 * Removes the duplicates of the generator, which makes two schemas for each name: one for input and one for output. Each
 * schema here is used in one direction only.
 */
function withoutDuplicates(document: Document): Document {
  const schemas = { ...document.components?.schemas }
  const requests = new Set(JSON.stringify(document.paths).match(/(?<=schemas\/)\w+(?=Input")/g))
  for (const [name, schema] of Object.entries(schemas)) {
    const [, plain] = INPUT.exec(name) ?? []
    if (plain === undefined) continue
    if (requests.has(plain)) schemas[plain] = schema
    delete schemas[name]
  }
  const text = JSON.stringify({ ...document, components: { ...document.components, schemas } })
  const tidy = JSON.parse(text.replaceAll(/(schemas\/\w+)Input"/g, '$1"')) as Document
  makeVerifyBodyOptional(tidy)
  return tidy
}

/** Marks the body of a verify as optional: the generator marks every body as required. */
function makeVerifyBodyOptional({ paths }: Document): void {
  for (const item of Object.values(paths ?? {})) {
    const body = item?.post?.requestBody
    if (body !== undefined && 'content' in body && /\/AuditChainVerifyRequest"/.test(JSON.stringify(body))) {
      body.required = false
    }
  }
}
