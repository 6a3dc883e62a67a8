import { z } from 'zod'
import { LIMITS } from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { isDomainId } from '../../chain/uuid.js'
import { CURSOR } from '../../query/cursor.js'
import { DEFAULT_LIMIT, MAX_LIMIT, parseFilter, parseLimit, parseSeq } from '../../query/list-query.js'
import { auditErrorIssue, problemIssue } from '../problem/issue.js'

/** Parses a Domain's id to lower case. Refuses the platform anchor: the platform chain has its own paths and its own relations. */
const domainId = z
  .string()
  .transform((text, context) => {
    const id = text.toLowerCase()
    if (isDomainId(id)) return id
    problemIssue(context, 'invalid_domain_id', 'domain_id: expected the UUID of a Domain')
    return z.NEVER
  })
  .meta({ format: 'uuid' })

const seq = z
  .string()
  .transform((text, context) => auditErrorIssue(context, () => parseSeq(text)))
  .meta({ type: 'integer', minimum: 1, maximum: LIMITS.maxSeq })

export const noParams = z.strictObject({})
export const domainParams = z.strictObject({ domain_id: domainId })
export const entryParams = z.strictObject({ seq })
export const domainEntryParams = z.strictObject({ domain_id: domainId, seq })

/** For operations without query parameters: refuses a parameter instead of ignoring it. */
export const noQuery = z.strictObject({})

const text = (document: Readonly<Record<string, unknown>>) =>
  z
    .string()
    .meta({ ...document })
    .optional()

/** Parses the query of the two list operations. */
export const listQuery = z
  .strictObject({
    cursor: text({ description: 'The next_cursor of the previous page of the same chain.' }),
    limit: text({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
    subject: text({ pattern: '^[0-9A-Fa-f]{64}$', description: 'A pseudonym; never a plaintext id.' }),
    relation: text({ minLength: 1 }),
    object_type: text({ minLength: 1 }),
    object_id: text({ minLength: 1 }),
    reason: text({ enum: [...REASONS, 'unknown'] }),
    from: text({ format: 'date-time', description: 'Earliest occurred_at, inclusive.' }),
    to: text({ format: 'date-time', description: 'Latest occurred_at, inclusive.' }),
    correlation_id: text({}),
  })
  .transform(
    ({ cursor, limit, object_type, object_id, reason, correlation_id, from, to, ...filter }, context) =>
      auditErrorIssue(context, () => ({
        limit: parseLimit(limit),
        cursor: cursorShape(cursor, context),
        filter: parseFilter({
          ...filter,
          from: withOffset(from),
          to: withOffset(to),
          objectType: object_type,
          objectId: object_id,
          reasons: reason === undefined ? undefined : [reason],
          correlationId: correlation_id,
        }),
      })),
  )

/**
 * Returns a time with its offset as RFC 3339 writes it. Generated Python clients send `+0000`, and a plus sign that a client
 * did not encode arrives as a space.
 */
function withOffset(time: string | undefined): string | undefined {
  return time?.replace(
    /(T[\d:.]+)([ +-])(\d\d):?(\d\d)$/i,
    (_, clock: string, sign: string, hours: string, minutes: string) =>
      `${clock}${sign === ' ' ? '+' : sign}${hours}:${minutes}`,
  )
}

function cursorShape(cursor: string | undefined, context: z.RefinementCtx): string | undefined {
  if (cursor === undefined || CURSOR.test(cursor)) return cursor
  problemIssue(context, 'invalid_cursor', 'cursor: not a cursor of this chain, or altered')
  return undefined
}
