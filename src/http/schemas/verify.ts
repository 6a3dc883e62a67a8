import { z } from 'zod'
import { LIMITS } from '../../chain/limits.js'
import { problemIssue } from '../problem/issue.js'
import { hash } from './texts.js'

const seq = z.int().min(1).max(LIMITS.maxSeq)

export const auditChainVerifyRequest = z
  .strictObject({
    from_seq: seq.optional().meta({ description: 'Seq of the first row of the segment; default: 1.' }),
    to_seq: seq
      .optional()
      .meta({ description: 'Seq of the last row of the segment; default: the last row of the chain.' }),
  })
  .superRefine(({ from_seq = 1, to_seq = from_seq }, context) => {
    if (to_seq < from_seq)
      problemIssue(context, 'invalid_range', 'to_seq: expected a seq not less than from_seq')
  })
  .meta({ id: 'AuditChainVerifyRequest' })

export const auditChainVerifyResult = z
  .object({
    ok: z.boolean(),
    segment_from: z.int(),
    segment_to: z.int(),
    divergent_seq: z
      .int()
      .optional()
      .meta({ description: 'Seq at which the first divergence begins; present when not ok.' }),
    expected_hash: hash.optional(),
    observed_hash: hash.optional(),
  })
  .meta({ id: 'AuditChainVerifyResult' })
