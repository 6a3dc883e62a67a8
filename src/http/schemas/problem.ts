import { z } from 'zod'
import { PROBLEM_CODES } from '../problem/problem.js'

const members = {
  type: z.string().meta({ format: 'uri-reference' }),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().meta({ format: 'uri-reference' }),
}

export const problem = z
  .object({ ...members, code: z.enum(PROBLEM_CODES).optional() })
  .meta({ id: 'Problem', description: 'A problem document (RFC 9457).' })

export const permissionDenied = z
  .object({
    ...members,
    reason: z.enum(['out_of_scope', 'insufficient_relation', 'caveat_violation']),
    correlation_id: z.string(),
    relation_path: z.array(z.string()).optional(),
  })
  .meta({ id: 'PermissionDenied' })

export const notReady = z
  .object({ ...members, reason: z.enum(['pending', 'diverged', 'stalled']) })
  .meta({ id: 'NotReady', description: 'Names neither a Domain nor a seq.' })
