import type { z } from 'zod'
import { auditEntryList as listJson, auditEntryProof as proofJson } from '../../json/entry.js'
import { getEntry } from '../../query/get.js'
import { listEntries } from '../../query/list.js'
import { rowsAheadOf } from '../../query/rows-ahead.js'
import { timeOrderFor } from '../../query/time-order.js'
import type { App } from '../app-type.js'
import type { HttpDeps } from '../deps.js'
import { authenticate } from '../guard/authenticate.js'
import { authorize } from '../guard/authorize.js'
import { chainOf } from '../guard/caller.js'
import { provisioned } from '../problem/problem.js'
import { BEARER, COMMON_ANSWERS, DENIED, ROWS_AHEAD, ROWS_AHEAD_HEADER, success } from '../schemas/answers.js'
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

export function registerEntries(app: App, deps: HttpDeps): void {
  registerList(app, deps, DOMAIN, 'ListAuditEntries', domainParams)
  registerGet(app, deps, DOMAIN, 'GetAuditEntry', domainEntryParams)
  registerList(app, deps, PLATFORM, 'ListPlatformAuditEntries', noParams)
  registerGet(app, deps, PLATFORM, 'GetPlatformAuditEntry', entryParams)
}

function registerList(app: App, deps: HttpDeps, url: string, operationId: string, params: z.ZodType): void {
  app.route({
    method: 'GET',
    exposeHeadRoute: true,
    url,
    schema: {
      operationId,
      security: BEARER,
      summary: 'List entries of a chain, ascending by seq',
      params,
      querystring: listQuery,
      response: {
        ...success('One page of entries.', auditEntryList, ROWS_AHEAD),
        ...COMMON_ANSWERS,
        ...DENIED,
      },
    },
    onRequest: authenticate(deps),
    preHandler: authorize(deps, { relation: 'auditor' }),
    handler: async (request, reply) => {
      const asked = { domainId: chainOf(request), ...request.query }
      const entries = provisioned(deps.entries)
      const timeOrder = await timeOrderFor(entries, asked.domainId, asked.filter)
      const page = await listEntries(entries, deps.cursorKey, { ...asked, timeOrder })
      const ahead = await rowsAheadOf(entries, asked.domainId, asked.filter, timeOrder)
      if (ahead !== undefined) reply.header(ROWS_AHEAD_HEADER, String(ahead.rows))
      return listJson(page, timeOrder)
    },
  })
}

/** Answers no 403: see AccessRule.hides. */
function registerGet(
  app: App,
  deps: HttpDeps,
  list: string,
  operationId: string,
  params: z.ZodType<{ seq: number }>,
): void {
  app.route({
    method: 'GET',
    exposeHeadRoute: true,
    url: `${list}/:seq`,
    schema: {
      operationId,
      security: BEARER,
      summary: 'Get one entry with its proof',
      params,
      querystring: noQuery,
      response: { ...success('The entry and its proof.', auditEntryProof), ...COMMON_ANSWERS },
    },
    onRequest: authenticate(deps),
    preHandler: authorize(deps, { relation: 'auditor', hides: true }),
    handler: async (request) =>
      proofJson(await getEntry(provisioned(deps.entries), chainOf(request), request.params.seq)),
  })
}
