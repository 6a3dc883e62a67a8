import { z } from 'zod'
import { LIMITS } from '../../chain/limits.js'
import { REASONS } from '../../chain/reason.js'
import { documented, hash, time, uuid } from './texts.js'

const reason = z.enum([...REASONS, 'unknown']).meta({
  id: 'AuditReason',
  description: '`unknown`: the stored ordinal is not 1 to 4, because somebody forced it into the table.',
})

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const name = { type: 'string', pattern: NAME.source }

/**
 * Allows names only: .spectral.mjs refuses a document whose schema would let a value through. Does not use z.record, which
 * drops a caveat named __proto__.
 */
const caveatContext = z.custom<Readonly<Record<string, readonly string[]>>>(isNamesOnly).meta({
  type: 'object',
  propertyNames: name,
  additionalProperties: { type: 'array', items: name },
  description: 'Maps the name of a caveat to the names of its parameters. Never holds a value.',
  'x-plexsphere-names-only': true,
})

function isNamesOnly(value: unknown): boolean {
  return Object.entries(value as Record<string, readonly string[]>).every(
    ([caveat, parameters]) => NAME.test(caveat) && parameters.every((parameter) => NAME.test(parameter)),
  )
}

export const auditEntry = z
  .object({
    seq: z.int().min(1).max(LIMITS.maxSeq),
    domain_id: uuid.meta({ description: 'On rows of the platform chain, the platform anchor.' }),
    occurred_at: time,
    reason,
    subject: z.object({
      pseudonym: hash,
      identity_id_ref: uuid.optional().meta({ description: 'Absent once the identity is erased.' }),
    }),
    relation: z.string(),
    object: z.object({ type: z.string(), id: z.string() }),
    decision: z.object({ result: reason, caveat_context: caveatContext }),
    correlation_id: z.string(),
    request_context: z.object({ ip: z.string().optional(), user_agent: z.string().optional() }),
    entry_hash: hash,
    prev_hash: hash,
    archive_etag: z.string().optional(),
    archived_at: time.optional(),
  })
  .meta({ id: 'AuditEntry' })

export const auditEntryList = z
  .object({
    items: z.array(auditEntry),
    next_cursor: z.string().optional().meta({ description: 'Absent on the last page.' }),
    time_order: z.enum(['verified', 'unverified', 'broken']).optional().meta({
      description:
        'Only with `from` or `to`: what is known of the order of the times, by which rows are found. `unverified`: rows are missing if a time was edited and no verification has found it yet. `broken`: a finding is about a time that is out of order, or there are too many findings to look at, and every row was compared.',
    }),
  })
  .meta({ id: 'AuditEntryList' })

export const auditEntryProof = z
  .object({
    entry: auditEntry,
    proof: z.object({
      prev_hash: hash,
      entry_hash: hash,
      canonical_bytes: documented({
        contentEncoding: 'base64',
        description:
          'entry_hash = sha256(prev_hash ‖ sha256(canonical_bytes)). Empty for a row that was forced into the table and has no canonical bytes; verify reports such a row.',
      }),
    }),
  })
  .meta({ id: 'AuditEntryProof' })
