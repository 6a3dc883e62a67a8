import { z } from 'zod'
import { resourceSchema } from './resource.js'

const text = z.string().nullish()

/** A field that the mapping can do without: a value of another type counts as absent. */
const lenient = text.catch(undefined)

const identitySchema = z.object({
  type: lenient,
  principalId: text,
  arn: text,
  invokedBy: text,
  accountId: lenient,
  userName: lenient,
  onBehalfOf: z.object({ userId: lenient }).nullish().catch(undefined),
  sessionContext: z
    .object({
      sourceIdentity: lenient,
      sessionIssuer: z.object({ userName: lenient }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
})

/** An insight event has the names of its calls, and the error that they got, in this member alone. */
const insightSchema = z
  .object({ eventSource: lenient, eventName: lenient, errorCode: z.unknown().optional() })
  .nullish()
  .catch(undefined)

const fieldsSchema = z.object({
  eventSource: z.string().min(1),
  eventName: z.string().min(1),
  eventType: lenient,
  /** Absent from insight events and from some events of services. */
  userIdentity: identitySchema.nullish(),
  resources: z.array(resourceSchema).nullish(),
  errorCode: z.unknown().optional(),
  errorMessage: z.unknown().optional(),
  responseElements: z.unknown().optional(),
  serviceEventDetails: z.unknown().optional(),
  requestID: text,
  sourceIPAddress: text,
  userAgent: text,
  eventTime: text,
  eventID: text,
  recipientAccountId: lenient,
})

/** The fields of an event that the mapping reads. Other fields are ignored. */
export const eventSchema = z.preprocess(withInsight, fieldsSchema)

/** Returns a record with the fields of its `insightDetails`, where it has none of its own. */
function withInsight(record: unknown): unknown {
  if (typeof record !== 'object' || record === null || !('insightDetails' in record)) return record
  const insight = insightSchema.parse(record.insightDetails)
  const own = Object.entries(record).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  )
  return { ...insight, ...Object.fromEntries(own) }
}

export type CloudTrailEvent = z.output<typeof eventSchema>

/** The identity of an event, each field of it perhaps absent. */
export type UserIdentity = Partial<z.output<typeof identitySchema>>
