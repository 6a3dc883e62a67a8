import swagger from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import type { App } from '../app-type.js'

type Document = OpenAPIV3_1.Document

/** The OpenAPI 3.1 document of the routes, from the schemas that they validate with; served at /openapi.json. */
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
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  let text: string | undefined
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    text ??= documentText(app)
    return reply.type('application/json').send(text)
  })
}

/** As docs/openapi.json holds it, final newline included. */
export function documentText(app: App): string {
  return `${JSON.stringify(tidied(app.swagger() as Document), null, 2)}\n`
}

const INPUT = /^(.*)Input$/

/** Two schemas of each name are generated, one as it is read and one as it is written: each is used as one of them only. */
function tidied(document: Document): Document {
  const schemas = { ...document.components?.schemas }
  const requests = new Set(JSON.stringify(document.paths).match(/(?<=schemas\/)\w+(?=Input")/g))
  for (const [name, schema] of Object.entries(schemas)) {
    const [, written] = INPUT.exec(name) ?? []
    if (written === undefined) continue
    if (requests.has(written)) schemas[written] = schema
    delete schemas[name]
  }
  const text = JSON.stringify({ ...document, components: { ...document.components, schemas } })
  const tidy = JSON.parse(text.replaceAll(/(schemas\/\w+)Input"/g, '$1"')) as Document
  leaveOutBodies(tidy)
  return tidy
}

/** The generator takes every body for required. */
function leaveOutBodies({ paths }: Document): void {
  for (const item of Object.values(paths ?? {})) {
    const body = item?.post?.requestBody
    if (body !== undefined && 'content' in body && /\/AuditChainVerifyRequest"/.test(JSON.stringify(body))) {
      body.required = false
    }
  }
}
