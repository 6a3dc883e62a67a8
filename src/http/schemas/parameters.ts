import { z } from 'zod'
import { LIMITS } from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { isUuid, NIL_UUID, PLATFORM_ANCHOR } from '../../chain/uuid.js'
import { CURSOR } from '../../query/cursor.js'
import { DEFAULT_LIMIT, MAX_LIMIT, parseFilter, parseLimit, parseSeq } from '../../query/list-query.js'
import { auditErrorIssue, problemIssue } from '../problem/issue.js'

/** A Domain's id in lower case. The platform chain has its own paths: as a Domain it would be another object to relations. */
const domainId = z
  .string()
  .transform((text, context) => {
    const id = text.toLowerCase()
    if (isUuid(id) && id !== NIL_UUID && id !== PLATFORM_ANCHOR) return id
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

/** For operations without query parameters: one that is given was meant for something, and would be ignored. */
export const noQuery = z.strictObject({})

const text = (document: Readonly<Record<string, unknown>>) =>
  z
    .string()
    .meta({ ...document })
    .optional()

/** The query of the two list operations, parsed. */
export const listQuery = z
  .strictObject({
    cursor: text({ description: 'next_cursor of the page before; of this chain only.' }),
    limit: text({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
    subject: text({ pattern: '^[0-9A-Fa-f]{64}$', description: 'A pseudonym, never plaintext.' }),
    relation: text({ minLength: 1 }),
    object_type: text({ minLength: 1 }),
    object_id: text({ minLength: 1 }),
    reason: text({ enum: [...REASONS, 'unknown'] }),
    from: text({ format: 'date-time', description: 'On occurred_at, inclusive.' }),
    to: text({ format: 'date-time', description: 'On occurred_at, inclusive.' }),
    correlation_id: text({}),
  })
  .transform((raw, context) =>
    auditErrorIssue(context, () => ({
      limit: parseLimit(raw.limit),
      cursor: cursorShape(raw.cursor, context),
      filter: parseFilter(raw),
    })),
  )

function cursorShape(cursor: string | undefined, context: z.RefinementCtx): string | undefined {
  if (cursor === undefined || CURSOR.test(cursor)) return cursor
  problemIssue(context, 'invalid_cursor', 'cursor: not one of this chain, or altered')
  return undefined
}
