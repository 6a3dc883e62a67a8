import { emailsIn } from '../../personal/email.js'
import { readingsOf } from '../../personal/fold.js'
import type { CloudTrailEvent, UserIdentity } from './event.js'

/** Who acted, and what is known about the person. */
export interface Actor {
  readonly subjectId: string
  /** The ARN of the subject. */
  readonly plaintext: string | undefined
  /** Parts of the identity that name a person. */
  readonly names: readonly string[]
  /** Texts of the identity that name no person. */
  readonly impersonal: readonly string[]
}

/** Returns who acted. A record without any identity is of a service, which acts as itself. */
export function actorOf(event: CloudTrailEvent): Actor {
  const identity = event.userIdentity ?? {}
  const arn = identity.arn || undefined
  const [subjectId, isService] = subjectOf(identity, event.eventSource)
  const texts = arn === undefined ? [subjectId] : [subjectId, arn]
  return {
    subjectId,
    plaintext: arn,
    names: namesOf(identity),
    impersonal: texts.filter(
      (text) => (isService && text === subjectId) || isAccount(text, event) || isArnOfNobody(text),
    ),
  }
}

/** AWS writes this in place of a user name that does not exist: it may be a password typed into the wrong field. */
const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS'

/** Returns the subject_id, and whether it is of a service or an account and of no person. */
function subjectOf(
  identity: UserIdentity,
  eventSource: string,
): readonly [subjectId: string, isService: boolean] {
  const { principalId, onBehalfOf, arn, userName, invokedBy, accountId } = identity
  const name = userName === HIDDEN ? undefined : userName
  const own = [principalId, onBehalfOf?.userId, arn, name].find(isGiven)
  if (own !== undefined) return [own, false]
  if (isGiven(invokedBy)) return [invokedBy, true]
  return [isGiven(accountId) ? `account:${accountId}` : `service:${eventSource}`, true]
}

function isGiven(text: string | null | undefined): text is string {
  return text !== undefined && text !== null && text.trim() !== ''
}

/** The services whose ARNs name people, roles and sessions. */
const PEOPLE = /^arn:[^:]*:(?:iam|sts|identitystore|sso|cognito-\w+|ses|rolesanywhere):/

/** Returns whether a text is the id of an account. It is the principal of the root user, whose identity may have no accountId. */
function isAccount(text: string, { userIdentity, recipientAccountId }: CloudTrailEvent): boolean {
  if (!/^\d{12}$/.test(text)) return false
  return userIdentity?.type === 'Root' || text === userIdentity?.accountId || text === recipientAccountId
}

/** Returns whether a text is the ARN of root, or of a resource that acts by itself. */
function isArnOfNobody(text: string): boolean {
  return text.startsWith('arn:') && (/:root$/.test(text) || !PEOPLE.test(text))
}

/** Matches the role of a session of IAM Identity Center, whose session name is the name of the person. */
const SSO_ROLE = /(?:^|[:/])AWSReservedSSO_/

function namesOf({ principalId, arn, userName, sessionContext }: UserIdentity): string[] {
  const issuer = sessionContext?.sessionIssuer?.userName ?? ''
  const isSso = SSO_ROLE.test(arn ?? '') || SSO_ROLE.test(issuer)
  const session = /^[^:]+:(.+)$/.exec(principalId ?? '')?.[1] ?? /\/([^/]+)$/.exec(arn ?? '')?.[1]
  const texts = [userName, sessionContext?.sourceIdentity]
  return [...(isSso && session ? [session] : []), ...texts.filter(holdsEmail)]
}

function holdsEmail(text: string | null | undefined): text is string {
  return isGiven(text) && readingsOf(text).some((reading) => emailsIn(reading).length > 0)
}
