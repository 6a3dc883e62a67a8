import { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import { objectProblem } from '../../chain/limits.js'
import { isAddress } from '../personal/ip.js'
import { personalDataProblem } from '../personal/personal-data.js'
import { readBoundedFile } from './bounded-file.js'
import { objectOfResource, type Resource, resourceSchema } from './cloudtrail-resource.js'
import { checkEntry, type InputEntry, type UncheckedEntry } from './input-line.js'
import { JsonProblem, parseLooseJson } from './strict-json.js'

/** The fields of an event that the mapping reads. Other fields are ignored. */
const eventSchema = z.object({
  eventSource: z.string().min(1),
  eventName: z.string().min(1),
  userIdentity: z.object({
    principalId: z.string().nullish(),
    invokedBy: z.string().nullish(),
    arn: z.string().nullish(),
  }),
  resources: z.array(resourceSchema).nullish(),
  errorCode: z.string().nullish(),
  requestID: z.string().nullish(),
  sourceIPAddress: z.string().nullish(),
  userAgent: z.string().nullish(),
  eventTime: z.string().nullish(),
  eventID: z.string().nullish(),
})

type CloudTrailEvent = z.output<typeof eventSchema>

/** A JSON file of records. Other keys beside them are ignored. */
const fileSchema = z.object({ Records: z.array(z.unknown()) })

/** EC2 writes the second code as `Client.UnauthorizedOperation`. */
const DENIED = /(^|\.)(AccessDenied|UnauthorizedOperation)$/

/**
 * Returns the records of a file as CloudTrail delivers it, plain or gzip, for {@link cloudTrailEntry}. Rejects with
 * `invalid_input` naming the file, or with `file_unreadable`.
 */
export async function readCloudTrailFile(path: string, until?: AbortSignal): Promise<readonly unknown[]> {
  const bytes = await readBoundedFile(path, until)
  const file = fileSchema.safeParse(parsed(withoutMark(bytes), path))
  if (!file.success)
    throw new AuditError('invalid_input', `${path}: expected {"Records":[…]} as CloudTrail delivers it`)
  return file.data.Records
}

/**
 * Returns the entry of one CloudTrail event. In errors, `where` names the event by file and number. Throws
 * `invalid_input`. The mapping:
 *
 * - subject_id: principalId, otherwise invokedBy. plaintext: the arn of the subject.
 * - relation: `<service>:<eventName>`, where service is eventSource without `.amazonaws.com`.
 * - object: the first resource that has an object ({@link objectOfResource}), fits its limit and does not hold the
 *   subject, because hashed text cannot be erased; otherwise `service:<service>`.
 * - reason: insufficient_relation for AccessDenied and UnauthorizedOperation, otherwise granted: every other error came
 *   after the decision.
 * - correlation_id: requestID, otherwise empty.
 * - context: sourceIPAddress where it is an address, userAgent, and as metadata event_time, event_id and error_code. The
 *   row's recorded_at is the time of the import, not of the event.
 */
export function cloudTrailEntry(record: unknown, where: string): InputEntry {
  const event = eventSchema.safeParse(record)
  if (!event.success) {
    const path = event.error.issues[0]?.path.map(String).join('.') ?? ''
    throw new AuditError(
      'invalid_input',
      `${where}: ${path === '' ? 'record' : path}: missing, or of a wrong type`,
    )
  }
  return located(where, () => checkEntry(entryOf(event.data)))
}

function entryOf(event: CloudTrailEvent): UncheckedEntry {
  const { principalId, invokedBy, arn } = event.userIdentity
  const service = event.eventSource.replace(/\.amazonaws\.com$/, '')
  const subjectId = principalId || invokedBy
  if (!subjectId) throw new AuditError('invalid_input', 'userIdentity: neither principalId nor invokedBy')
  return {
    subjectId,
    relation: `${service}:${event.eventName}`,
    object: objectOf(event, subjectId) ?? `service:${service}`,
    reason: DENIED.test(event.errorCode ?? '') ? 'insufficient_relation' : 'granted',
    correlationId: event.requestID ?? '',
    ...(arn && { subject: { plaintext: arn } }),
    context: contextOf(event),
  }
}

function objectOf(event: CloudTrailEvent, subjectId: string): string | undefined {
  const personal = { subjectId, plaintext: event.userIdentity.arn ?? undefined, ip: addressOf(event) }
  const fits = (object: string) =>
    objectProblem(object) === undefined &&
    personalDataProblem({ relation: '', object, relationPath: [], correlationId: '' }, personal) === undefined
  return objectsOf(event.resources ?? []).find(fits)
}

function objectsOf(resources: readonly Resource[]): string[] {
  return resources.map(objectOfResource).filter((object) => object !== undefined)
}

/** Returns the address, if there is one: services write their own name there (rds.amazonaws.com, AWS Internal). */
function addressOf({ sourceIPAddress }: CloudTrailEvent): string | undefined {
  return sourceIPAddress && isAddress(sourceIPAddress) ? sourceIPAddress : undefined
}

function contextOf(event: CloudTrailEvent) {
  const { userAgent, eventTime, eventID, errorCode } = event
  return {
    ip: addressOf(event),
    ...(userAgent && { userAgent }),
    metadata: {
      ...(eventTime && { event_time: eventTime }),
      ...(eventID && { event_id: eventID }),
      ...(errorCode && { error_code: errorCode }),
    },
  }
}

function located<T>(where: string, map: () => T): T {
  try {
    return map()
  } catch (error) {
    if (error instanceof AuditError) throw new AuditError(error.code, `${where}: ${error.message}`)
    throw error
  }
}

function parsed(bytes: Uint8Array, path: string): unknown {
  try {
    return parseLooseJson(bytes)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw new AuditError('invalid_input', `${path}: ${bytes.length === 0 ? 'empty' : error.message}`)
  }
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return marked ? bytes.subarray(3) : bytes
}
