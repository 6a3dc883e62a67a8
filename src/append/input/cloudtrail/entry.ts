import { AuditError } from '../../../base/errors.js'
import { LIMITS, objectProblem } from '../../../chain/limits.js'
import { isAddress } from '../../personal/ip.js'
import { type PersonalData, personalDataProblem } from '../../personal/personal-data.js'
import { checkEntry, type InputEntry, type UncheckedEntry } from '../input-line.js'
import { textOf } from './errors.js'
import { type CloudTrailEvent, eventSchema } from './event.js'
import { type Actor, actorOf } from './identity.js'
import { idempotencyKeyOf } from './key.js'
import { NO_CODE, type Outcome, outcomeOf } from './outcome.js'
import { objectOfResource, type Resource } from './resource.js'

export interface MappingOptions {
  /** Gives each entry the idempotency key of its event. */
  readonly idempotent?: boolean | undefined
}

/**
 * Returns the entry of one CloudTrail event. In errors, `where` names the event by file and number. Throws
 * `invalid_input`. The mapping:
 *
 * - subject_id: the identity of the event ({@link actorOf}). plaintext: the arn of the subject.
 * - relation: `<service>:<eventName>`, where service is eventSource without `.amazonaws.com`.
 * - object: the first resource that has an object ({@link objectOfResource}), fits its limit and does not hold the
 *   subject, because hashed text cannot be erased; otherwise `service:<service>`.
 * - reason: by the error ({@link outcomeOf}). relation_path: `error:<code>` for an event that failed, otherwise empty.
 * - correlation_id: requestID, or empty where it is absent or holds the subject.
 * - context: sourceIPAddress where it is an address, userAgent, and as metadata event_time, event_id and error_code. The
 *   row's recorded_at is the time of the import, not of the event.
 */
export function cloudTrailEntry(record: unknown, where: string, options: MappingOptions = {}): InputEntry {
  const event = eventSchema.safeParse(record)
  if (!event.success) {
    const path = event.error.issues[0]?.path.map(String).join('.') ?? ''
    throw new AuditError(
      'invalid_input',
      `${where}: ${path === '' ? 'record' : path}: missing, or of a wrong type`,
    )
  }
  return located(where, () => entryOf(event.data, options))
}

function entryOf(event: CloudTrailEvent, { idempotent }: MappingOptions): InputEntry {
  const actor = actorOf(event)
  const { subjectId, plaintext, names, impersonal } = actor
  const personal = { subjectId, plaintext, names, impersonal, ip: addressOf(event) }
  const entry = checkEntry({
    ...decisionOf(event, personal),
    subjectId,
    correlationId: correlationOf(event, personal),
    ...(plaintext && { subject: { plaintext } }),
    context: contextOf(event),
    idempotencyKey: idempotent ? idempotencyKeyOf(event) : undefined,
  })
  const exempt = ownWordsAreSubject(event, personal) ? [...impersonal, ...textsOf(actor)] : impersonal
  return exempt.length === 0 ? entry : { ...entry, impersonal: exempt }
}

function decisionOf(event: CloudTrailEvent, personal: PersonalData) {
  const outcome = outcomeOf(event)
  return {
    relation: relationOf(event),
    object: objectOf(event, personal) ?? serviceOf(event),
    reason: outcome.reason,
    relationPath: pathOf(outcome, personal),
  } satisfies Partial<UncheckedEntry>
}

/**
 * Returns the step of an event that failed, without the code where the code names the subject: the step never refuses an
 * event. The code is searched as the event has it, because in the step ann@example.com is `ann_example.com`.
 */
function pathOf({ step, code = '' }: Outcome, personal: PersonalData): string[] | undefined {
  if (step === undefined) return undefined
  return personalDataProblem({ relationPath: [step, code] }, personal) === undefined ? [step] : [NO_CODE]
}

/** Returns the request id, or an empty text where it names the subject: it never refuses an event. */
function correlationOf({ requestID }: CloudTrailEvent, personal: PersonalData): string {
  const correlationId = requestID ?? ''
  return personalDataProblem({ correlationId }, personal) === undefined ? correlationId : ''
}

function relationOf(event: CloudTrailEvent): string {
  return `${nameOfService(event)}:${event.eventName}`
}

function serviceOf(event: CloudTrailEvent): string {
  return `service:${nameOfService(event)}`
}

function nameOfService({ eventSource }: CloudTrailEvent): string {
  return eventSource.replace(/\.amazonaws\.com(?:\.cn)?$/, '')
}

/** Returns whether the subject has the name of the service, such as a user `s3`. The name of a service is no person. */
function ownWordsAreSubject(event: CloudTrailEvent, personal: PersonalData): boolean {
  const own = { relation: relationOf(event), object: serviceOf(event) }
  return personalDataProblem(own, personal) !== undefined
}

function textsOf({ subjectId, plaintext }: Actor): string[] {
  return plaintext === undefined ? [subjectId] : [subjectId, plaintext]
}

function objectOf(event: CloudTrailEvent, personal: PersonalData): string | undefined {
  const fits = (object: string) =>
    objectProblem(object) === undefined && personalDataProblem({ object }, personal) === undefined
  return objectsOf(event.resources ?? []).find(fits)
}

function objectsOf(resources: readonly Resource[]): string[] {
  return resources.map(objectOfResource).filter((object) => object !== undefined)
}

/** Returns the address, if there is one: services write their own name there (rds.amazonaws.com, AWS Internal). */
function addressOf({ sourceIPAddress }: CloudTrailEvent): string | undefined {
  return sourceIPAddress && isAddress(sourceIPAddress) ? sourceIPAddress : undefined
}

/** The longest time, id or code that is kept as metadata, in bytes. */
const MAX_METADATA_TEXT = 1024

function contextOf(event: CloudTrailEvent) {
  const { userAgent, eventTime, eventID } = event
  const errorCode = textOf(event.errorCode)
  return {
    ip: addressOf(event),
    ...(userAgent && { userAgent: cut(userAgent, LIMITS.userAgentBytes) }),
    metadata: {
      ...(eventTime && { event_time: cut(eventTime, MAX_METADATA_TEXT) }),
      ...(eventID && { event_id: cut(eventID, MAX_METADATA_TEXT) }),
      ...(errorCode && { error_code: cut(errorCode, MAX_METADATA_TEXT) }),
    },
  }
}

/** Returns a text off the chain as it can be stored: cut to `max` bytes, without U+0000 and lone surrogates. */
function cut(text: string, max: number): string {
  const clean = text.toWellFormed().replaceAll('\0', '\ufffd')
  if (Buffer.byteLength(clean) <= max) return clean
  // A character that the cut divides decodes to U+FFFD.
  return Buffer.from(clean)
    .subarray(0, max)
    .toString()
    .replace(/\ufffd$/, '')
}

function located<T>(where: string, map: () => T): T {
  try {
    return map()
  } catch (error) {
    if (error instanceof AuditError) throw new AuditError(error.code, `${where}: ${error.message}`)
    throw error
  }
}
