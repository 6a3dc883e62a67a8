import type { z } from 'zod'
import { getProof } from '../../query/get.js'
import { listEntries } from '../../query/list.js'
import type { App } from '../app.js'
import { authenticate } from '../guard/authenticate.js'
import { gate } from '../guard/authorize.js'
import { chainOf } from '../guard/caller.js'
import type { HttpParts } from '../parts.js'
import { provisioned } from '../problem/problem.js'
import { BEARER, COMMON_ANSWERS, DENIED, success } from '../schemas/answers.js'
import { auditEntryList, auditEntryProof } from '../schemas/entry.js'
import {
  domainEntryParams,
  domainParams,
  entryParams,
  listQuery,
  noParams,
  noQuery,
} from '../schemas/parameters.js'

const DOMAIN = '/v1/domains/:domain_id/audit/entries'
const PLATFORM = '/v1/platform/audit/entries'

export function registerEntries(app: App, parts: HttpParts): void {
  registerList(app, parts, DOMAIN, 'ListAuditEntries', domainParams)
  registerGet(app, parts, DOMAIN, 'GetAuditEntry', domainEntryParams)
  registerList(app, parts, PLATFORM, 'ListPlatformAuditEntries', noParams)
  registerGet(app, parts, PLATFORM, 'GetPlatformAuditEntry', entryParams)
}

function registerList(app: App, parts: HttpParts, url: string, operationId: string, params: z.ZodType): void {
  app.route({
    method: 'GET',
    url,
    schema: {
      operationId,
      security: BEARER,
      summary: 'A page of a chain, ascending by seq',
      params,
      querystring: listQuery,
      response: { ...success('A page.', auditEntryList), ...COMMON_ANSWERS, ...DENIED },
    },
    onRequest: authenticate(parts),
    preHandler: gate(parts, { relation: 'auditor' }),
    handler: (request) =>
      listEntries(provisioned(parts.entries), parts.cursorKey, {
        domainId: chainOf(request),
        ...request.query,
      }),
  })
}

/** No 403 here: see GateRule.hides. */
function registerGet(
  app: App,
  parts: HttpParts,
  list: string,
  operationId: string,
  params: z.ZodType<{ seq: number }>,
): void {
  app.route({
    method: 'GET',
    url: `${list}/:seq`,
    schema: {
      operationId,
      security: BEARER,
      summary: 'One entry with its proof',
      params,
      querystring: noQuery,
      response: { ...success('The entry.', auditEntryProof), ...COMMON_ANSWERS },
    },
    onRequest: authenticate(parts),
    preHandler: gate(parts, { relation: 'auditor', hides: true }),
    handler: (request) => getProof(provisioned(parts.entries), chainOf(request), request.params.seq),
  })
}
