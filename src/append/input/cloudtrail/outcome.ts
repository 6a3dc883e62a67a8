import type { Reason } from '../../../chain/reason.js'
import {
  AFTER_AUTHORIZATION,
  AFTER_AUTHORIZATION_FORMS,
  NOT_AFTER_AUTHORIZATION,
  REFUSED,
  REFUSED_BY_CONDITION,
  THROTTLED,
} from './error-codes.js'
import { type EventError, errorsOf } from './errors.js'
import type { CloudTrailEvent } from './event.js'
import { EXPLICIT_DENY, NOT_PERMITTED, refusalIn } from './refusal-text.js'
import { signInResult } from './sign-in.js'

/** How an event ended. */
export interface Outcome {
  readonly reason: Reason
  /** The step of the relation_path for an event that failed, such as `error:AccessDenied`. */
  readonly step?: string | undefined
  /** The code as the event has it. */
  readonly code?: string | undefined
}

/** The step of an event that failed and has no error code, or one that names the subject. */
export const NO_CODE = 'error:unspecified'

/** The reasons, the worst first. */
const SEVERITY: readonly Reason[] = ['caveat_violation', 'insufficient_relation', 'out_of_scope', 'granted']

/**
 * Returns how the event ended: the worst of its errors and of the result of its sign-in. An event that failed is only called
 * granted where its code is known to follow the decision and its message mentions no refusal.
 */
export function outcomeOf(event: CloudTrailEvent): Outcome {
  const errors = errorsOf(event).map(outcomeOfError)
  const signIn = signInResult(event, errors.length > 0)
  const worst = worstOf(errors) ?? { reason: 'granted' }
  if (signIn === undefined || signIn === 'success') return worst
  const reason = signIn === 'failure' ? 'insufficient_relation' : 'out_of_scope'
  return { ...worst, step: worst.step ?? NO_CODE, reason: worstReason(worst.reason, reason) }
}

function worstOf(outcomes: readonly Outcome[]): Outcome | undefined {
  return outcomes.toSorted((a, b) => SEVERITY.indexOf(a.reason) - SEVERITY.indexOf(b.reason))[0]
}

function worstReason(a: Reason, b: Reason): Reason {
  return SEVERITY.indexOf(a) <= SEVERITY.indexOf(b) ? a : b
}

function outcomeOfError({ code, message = '' }: EventError): Outcome {
  return { reason: reasonOf(code, message), step: stepOf(code), code }
}

function reasonOf(code: string | undefined, message: string): Reason {
  if (code !== undefined && REFUSED_BY_CONDITION.test(stemOf(code))) return 'caveat_violation'
  if (EXPLICIT_DENY.test(message)) return 'caveat_violation'
  if (NOT_PERMITTED.test(message) || (code !== undefined && REFUSED.test(code)))
    return 'insufficient_relation'
  const said = refusalIn(message)
  if (said === 'refused' || (said !== undefined && code === undefined)) return 'insufficient_relation'
  if (code === undefined) return 'out_of_scope'
  // "Request was denied due to request throttling."
  if (said !== undefined && !THROTTLED.test(code)) return 'out_of_scope'
  return isAfterAuthorization(stemOf(code)) ? 'granted' : 'out_of_scope'
}

function isAfterAuthorization(stem: string): boolean {
  if (NOT_AFTER_AUTHORIZATION.has(stem)) return false
  return AFTER_AUTHORIZATION.has(stem) || AFTER_AUTHORIZATION_FORMS.some((form) => form.test(stem))
}

/** Returns `ResourceNotFound` for `com.amazonaws.dynamodb#ResourceNotFoundException`, `InvalidVpcID.NotFound` for `Client.InvalidVpcID.NotFound`. */
function stemOf(code: string): string {
  return code
    .replace(/^.*#/, '')
    .replace(/^(?:Client|Server)\./, '')
    .replace(/(?:Exception|Fault|Error)$/, '')
}

/** The longest code of AWS has 83 characters. */
const MAX_CODE = 128

/** Returns the step for a code. Characters that no code of AWS has become `_`, and what is longer than any code is cut. */
function stepOf(code: string | undefined): string {
  const text = code?.replace(/[^A-Za-z0-9._:#/-]/g, '_').slice(0, MAX_CODE)
  return text === undefined ? NO_CODE : `error:${text}`
}
