import { Socket } from 'node:net'
import type { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import type { Finding } from '../../chain/finding.js'
import { type VerifyResult, verifyResult } from '../../json/verify-result.js'
import { recordFindings } from '../../quarantine/quarantine.js'
import { type VerifyRequest, verifyChain } from '../../verify/verify-chain.js'
import { widenedFindings } from '../../verify/widen-segment.js'
import type { App } from '../app-type.js'
import { clientGoneSignal } from '../connection/client-gone-signal.js'
import type { HttpDeps } from '../deps.js'
import { authenticate } from '../guard/authenticate.js'
import { authorize } from '../guard/authorize.js'
import { chainOf } from '../guard/caller.js'
import { VerifySlots } from '../guard/verify-slots.js'
import { provisioned } from '../problem/problem.js'
import { acceptEmptyList } from '../request/body.js'
import { BEARER, BODY_ANSWERS, BUSY, COMMON_ANSWERS, DENIED, success } from '../schemas/answers.js'
import { domainParams, noParams, noQuery } from '../schemas/parameters.js'
import { auditChainVerifyRequest, auditChainVerifyResult } from '../schemas/verify.js'

export function registerVerify(app: App, deps: HttpDeps): void {
  const slots = new VerifySlots(deps.maxVerifies)
  register(app, deps, slots, '/v1/domains/:domain_id/audit/verify', 'VerifyAuditChain', domainParams)
  register(app, deps, slots, '/v1/platform/audit/verify', 'VerifyPlatformAuditChain', noParams)
}

function register(
  app: App,
  deps: HttpDeps,
  slots: VerifySlots,
  url: string,
  operationId: string,
  params: z.ZodType,
): void {
  app.route({
    method: 'POST',
    url,
    schema: {
      operationId,
      security: BEARER,
      summary: 'Verify a chain or a segment of it',
      description:
        'Recomputes every hash. A divergence is a finding, not an error: the answer is 200 with `ok: false`. The body is optional.',
      params,
      querystring: noQuery,
      body: auditChainVerifyRequest.optional(),
      response: {
        ...success('The result of the verification.', auditChainVerifyResult),
        ...COMMON_ANSWERS,
        ...DENIED,
        ...BODY_ANSWERS,
        ...BUSY,
      },
    },
    onRequest: authenticate(deps),
    preValidation: acceptEmptyList,
    preHandler: authorize(deps, { relation: 'auditor' }),
    handler: (request, reply) =>
      slots.run(async () => {
        // Disable the idle timeout: no data moves on the connection while a long chain is read.
        if (request.socket instanceof Socket) request.socket.setTimeout(0)
        const { from_seq: fromSeq = 1, to_seq: toSeq } = request.body ?? {}
        const source = provisioned(deps.source)
        const [domainId, signal] = [chainOf(request), clientGoneSignal(reply)]
        const signed = await deps.headsOf?.(domainId, signal)
        const segment = { domainId, fromSeq, toSeq, pins: [], signed }
        const verify = (about: VerifyRequest) => verifyChain(source, about, () => undefined, signal)
        const verdict = await verify(segment)
        const findings = await widenedFindings(verdict.findings, segment, verify)
        await reportFindings(deps, segment.domainId, findings, request.id)
        return answerOf(verifyResult(verdict))
      }),
  })
}

/** Returns the nearest seq that the contract can represent: a row can have been forced to a seq beyond, as in a finding. */
const seqOf = (seq: number) => Math.max(Math.min(seq, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)

function answerOf(result: VerifyResult): z.infer<typeof auditChainVerifyResult> {
  const { divergent_seq: divergent } = result
  return {
    ...result,
    segment_to: seqOf(result.segment_to),
    ...(divergent !== undefined && { divergent_seq: seqOf(divergent) }),
  }
}

/** Changes readiness first, so that it does not depend on whether the findings can be recorded. */
async function reportFindings(
  { integrity, quarantine, source, log }: HttpDeps,
  domainId: string,
  findings: readonly Finding[],
  correlationId: string,
): Promise<void> {
  if (findings.length === 0) return
  integrity.report(domainId, findings)
  log.error(
    { correlation_id: correlationId, domain_id: domainId, findings: findings.length },
    'tamper detected',
  )
  if (quarantine === undefined || source === undefined) return
  const written = await recordFindings(quarantine, domainId, source.name, findings).catch((error: unknown) =>
    error instanceof AuditError ? error.code : 'internal',
  )
  if (typeof written === 'object') return
  log.error(
    { correlation_id: correlationId, domain_id: domainId, error: written },
    'findings not quarantined',
  )
}
