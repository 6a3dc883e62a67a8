import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RulesetDefinition, Spectral } from '@stoplight/spectral-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../../src/http/app.js'
import type { HttpDeps } from '../../src/http/deps.js'
import { documentText } from '../../src/http/routes/document.js'
import { ROOT } from '../support/cli.js'

const committed = readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8')
const document = JSON.parse(committed)
let spectral: Spectral

beforeAll(async () => {
  const ruleset: { default: unknown } = await import(join(ROOT, '.spectral.mjs'))
  spectral = new Spectral()
  spectral.setRuleset(ruleset.default as RulesetDefinition)
})

async function lint(text: unknown): Promise<string[]> {
  const results = await spectral.run(JSON.stringify(text))
  return [...new Set(results.map(({ code, message }) => `${code}: ${message}`))]
}

describe('docs/openapi.json', () => {
  it('equals the document that the routes generate (npm run openapi)', async () => {
    const app = await buildApp({ maxVerifies: 1 } as HttpDeps)
    expect(documentText(app)).toBe(committed)
    await app.close()
  })

  it('passes every Spectral rule', async () => {
    expect(await lint(document)).toEqual([])
  })

  it('has the operations of the contract', () => {
    const paths: Record<string, Record<string, { operationId: string }>> = document.paths
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
    )
    expect(operations).toEqual([
      'get /v1/domains/{domain_id}/audit/entries ListAuditEntries',
      'get /v1/domains/{domain_id}/audit/entries/{seq} GetAuditEntry',
      'get /v1/platform/audit/entries ListPlatformAuditEntries',
      'get /v1/platform/audit/entries/{seq} GetPlatformAuditEntry',
      'post /v1/domains/{domain_id}/audit/verify VerifyAuditChain',
      'post /v1/platform/audit/verify VerifyPlatformAuditChain',
      'post /v1/domains/{domain_id}/audit/erase-identity EraseIdentityFromAudit',
      'post /v1/platform/audit/erase-identity EraseIdentityFromPlatformAudit',
      'get /healthz Healthz',
      'get /readyz Readyz',
    ])
  })

  it.each([
    [
      'AuditEntry',
      [
        'seq',
        'domain_id',
        'occurred_at',
        'reason',
        'subject',
        'relation',
        'object',
        'decision',
        'correlation_id',
        'request_context',
        'entry_hash',
        'prev_hash',
      ],
      ['archive_etag', 'archived_at'],
    ],
    ['AuditEntryList', ['items'], ['next_cursor', 'time_order']],
    ['AuditEntryProof', ['entry', 'proof'], []],
    ['AuditChainVerifyRequest', [], ['from_seq', 'to_seq']],
    [
      'AuditChainVerifyResult',
      ['ok', 'segment_from', 'segment_to'],
      ['divergent_seq', 'expected_hash', 'observed_hash'],
    ],
    ['AuditEraseIdentityRequest', ['identity_id'], []],
    ['AuditEraseIdentityResponse', ['subject_pseudonym', 'erased_at'], []],
    ['Problem', ['type', 'title', 'status', 'detail', 'instance'], ['code']],
    [
      'PermissionDenied',
      ['type', 'title', 'status', 'detail', 'instance', 'reason', 'correlation_id'],
      ['relation_path'],
    ],
  ])('gives %s the fields of the contract', (name, required, optional) => {
    const schema = document.components.schemas[name]
    expect(schema.required ?? []).toEqual(required)
    expect(Object.keys(schema.properties).sort()).toEqual([...required, ...optional].sort())
  })
})

type Schema = Record<string, unknown>

describe('the names-only rule', () => {
  const names = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }

  /** Returns the document with a changed schema of caveat_context. */
  function withCaveats(change: (schema: Schema) => Schema): unknown {
    const copy = structuredClone(document)
    const { properties } = copy.components.schemas.AuditEntry.properties.decision
    properties.caveat_context = change(properties.caveat_context)
    return copy
  }

  const without = (keyword: string) => (schema: Schema) =>
    Object.fromEntries(Object.entries(schema).filter(([key]) => key !== keyword))

  it.each<[string, (schema: Schema) => Schema]>([
    ['values beside the names', (schema) => ({ ...schema, additionalProperties: { type: 'object' } })],
    ['lists of anything', (schema) => ({ ...schema, additionalProperties: { type: 'array' } })],
    [
      'lists of any text',
      (schema) => ({ ...schema, additionalProperties: { type: 'array', items: { type: 'string' } } }),
    ],
    [
      'a wider pattern',
      (schema) => ({
        ...schema,
        additionalProperties: { type: 'array', items: { ...names, pattern: '^.*$' } },
      }),
    ],
    ['additionalProperties: true', (schema) => ({ ...schema, additionalProperties: true })],
    ['no additionalProperties', without('additionalProperties')],
    ['any key', without('propertyNames')],
    ['declared properties', (schema) => ({ ...schema, properties: { ip: { type: 'string' } } })],
    ['pattern properties', (schema) => ({ ...schema, patternProperties: { '^x': {} } })],
    ['an alternative', (schema) => ({ ...schema, anyOf: [{}] })],
    ['a reference elsewhere', () => ({ $ref: '#/components/schemas/Problem' })],
    ['a list', () => ({ type: 'array', items: {}, 'x-plexsphere-names-only': true })],
    ['no mark', without('x-plexsphere-names-only')],
    ['a mark that is off', (schema) => ({ ...schema, 'x-plexsphere-names-only': false })],
  ])('refuses %s', async (_, change) => {
    expect((await lint(withCaveats(change))).join()).toMatch(/names-only/)
  })

  it('refuses a marked schema of another name', async () => {
    const copy = structuredClone(document)
    copy.components.schemas.AuditEntry.properties.more = { type: 'object', 'x-plexsphere-names-only': true }
    expect((await lint(copy)).join()).toMatch(/names-only/)
  })

  it('refuses a document without the field', async () => {
    const copy = structuredClone(document)
    copy.components.schemas.AuditEntry.properties.decision.properties = {}
    expect((await lint(copy)).join()).toMatch(/^caveats-in-decisions/)
  })
})

describe('the other rules', () => {
  const entries = '/v1/platform/audit/entries'
  it.each<[string, (copy: typeof document) => void]>([
    [
      'snake-case',
      (copy) => {
        copy.components.schemas.AuditEntry.properties.entryHash = {}
      },
    ],
    [
      'snake-case',
      (copy) => {
        copy.paths[entries].get.parameters[0].name = 'Cursor'
      },
    ],
    [
      'no-null',
      (copy) => {
        copy.components.schemas.AuditEntry.properties.archived_at.type = ['string', 'null']
      },
    ],
    [
      'operation-id',
      (copy) => {
        delete copy.paths[entries].get.operationId
      },
    ],
    [
      'problem-json',
      (copy) => {
        copy.paths[entries].get.responses['403'].content = { 'application/json': {} }
      },
    ],
    [
      'authenticated',
      (copy) => {
        delete copy.paths[entries].get.security
      },
    ],
    [
      'authenticated',
      (copy) => {
        delete copy.paths[entries].get.responses['401']
      },
    ],
  ])('%s reports a violation', async (rule, change) => {
    const copy = structuredClone(document)
    change(copy)
    expect((await lint(copy)).map((result) => result.split(':')[0])).toContain(rule)
  })
})
