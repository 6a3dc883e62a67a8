import type { z } from 'zod'
import { wireTime } from '../../base/wire-time.js'
import type { App } from '../app-type.js'
import type { HttpDeps } from '../deps.js'
import { authenticate } from '../guard/authenticate.js'
import { authorize } from '../guard/authorize.js'
import { chainOf, principalOf } from '../guard/caller.js'
import { provisioned } from '../problem/problem.js'
import { BEARER, BODY_ANSWERS, COMMON_ANSWERS, DENIED, HELD, success } from '../schemas/answers.js'
import { auditEraseIdentityRequest, auditEraseIdentityResponse } from '../schemas/erase.js'
import { domainParams, noParams, noQuery } from '../schemas/parameters.js'

export function registerErase(app: App, deps: HttpDeps): void {
  register(app, deps, '/v1/domains/:domain_id/audit/erase-identity', 'EraseIdentityFromAudit', domainParams)
  register(app, deps, '/v1/platform/audit/erase-identity', 'EraseIdentityFromPlatformAudit', noParams)
}

function register(app: App, deps: HttpDeps, url: string, operationId: string, params: z.ZodType): void {
  app.route({
    method: 'POST',
    url,
    schema: {
      operationId,
      security: BEARER,
      summary: 'Delete the personal data that the rows of a chain hold about an identity',
      params,
      querystring: noQuery,
      body: auditEraseIdentityRequest,
      response: {
        ...success('The identity is erased.', auditEraseIdentityResponse),
        ...COMMON_ANSWERS,
        ...DENIED,
        ...HELD,
        ...BODY_ANSWERS,
      },
    },
    onRequest: authenticate(deps),
    preHandler: authorize(deps, { relation: 'manage', mayNeedOwnerKey: true }),
    handler: async (request) => {
      const { subjectPseudonym, erasedAt } = await provisioned(deps.eraser).erase({
        domainId: chainOf(request),
        identityId: request.body.identity_id.toLowerCase(),
        actor: principalOf(request).subjectId,
      })
      return { subject_pseudonym: subjectPseudonym, erased_at: wireTime(erasedAt) }
    },
  })
}
