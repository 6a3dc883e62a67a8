import { AuditError } from '../base/errors.js'
import { isUuid } from '../chain/uuid.js'
import type { RequestContext, SubjectPii } from '../ports/append.js'
import { type InputEntry, inputEntry } from './input/input-line.js'

/** What {@link checkEntry} takes: an InputEntry whose optional lists and texts may be left out. */
export type UncheckedEntry = Pick<InputEntry, 'subjectId' | 'relation' | 'object'> & Partial<InputEntry>

/**
 * Holds an entry that was not read from a line (flags, a library caller) to the very same schema; defaults are filled
 * in. Throws AuditError `invalid_input` or `residency_unknown`; fields carry the names they have on a line.
 */
export function checkEntry(entry: UncheckedEntry): InputEntry {
  const checked = inputEntry({
    subject_id: entry.subjectId,
    relation: entry.relation,
    object: entry.object,
    reason: entry.reason,
    relation_path: entry.relationPath,
    caveat_context: entry.caveatContext,
    correlation_id: entry.correlationId,
    zedtoken: entry.zedtoken,
    domain_ids: entry.domainIds,
    platform: entry.platform,
    subject: entry.subject && rawSubject(entry.subject),
    context: entry.context && rawContext(entry.context),
    idempotency_key: entry.idempotencyKey,
  })
  const identityId = identityOf(entry.subject)
  return identityId === undefined ? checked : { ...checked, subject: { ...checked.subject, identityId } }
}

/** Not a field of a line: there the identity is a subject_id that is a UUID. */
function identityOf(subject: SubjectPii | undefined): string | undefined {
  const identityId = subject?.identityId
  if (identityId === undefined) return undefined
  if (typeof identityId !== 'string' || !isUuid(identityId)) {
    throw new AuditError('invalid_input', 'subject.identity_id: expected a UUID of 36 characters')
  }
  return identityId.toLowerCase()
}

function rawSubject(subject: SubjectPii) {
  return {
    plaintext: subject.plaintext,
    email_claim: subject.emailClaim,
    source_ip: subject.sourceIp,
    idp_claim_names: subject.idpClaimNames,
  }
}

function rawContext(context: RequestContext) {
  return { ip: context.ip, user_agent: context.userAgent, metadata: context.metadata }
}
