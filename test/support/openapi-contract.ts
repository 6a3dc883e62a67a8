import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { ROOT } from './cli.js'

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

const document: { paths: Record<string, Record<string, Operation>> } = JSON.parse(
  readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8'),
)
const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(document, 'openapi')

export interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Returns the parts of an answer that the committed document does not allow. */
export function contractProblems(method: string, url: string, answer: Answer): string[] {
  const path = Object.keys(document.paths).find((template) => matches(template, url))
  const content = document.paths[path ?? '']?.[method.toLowerCase()]?.responses[answer.statusCode]?.content
  if (path === undefined || content === undefined) return [`${method} ${path} has no ${answer.statusCode}`]
  const type = String(answer.headers['content-type']).replace('json; charset=utf-8', 'json')
  if (content[type] === undefined) return [`${method} ${path} ${answer.statusCode} has no ${type}`]
  const validate = validatorOf(path, method.toLowerCase(), answer.statusCode, type)
  return validate(JSON.parse(answer.body))
    ? []
    : (validate.errors ?? []).map((error) => ajv.errorsText([error]))
}

function matches(template: string, url: string): boolean {
  const parts = (url.split('?')[0] ?? '').split('/')
  const expected = template.split('/')
  return (
    parts.length === expected.length && expected.every((part, i) => part.startsWith('{') || part === parts[i])
  )
}

function validatorOf(path: string, method: string, status: number, type: string): ValidateFunction {
  const pointer = ['paths', path, method, 'responses', String(status), 'content', type, 'schema']
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')
  return ajv.compile({ $ref: `openapi#/${pointer}` })
}
