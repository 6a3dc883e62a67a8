import { z } from 'zod'
import { isUuid, NIL_UUID } from '../../chain/uuid.js'
import { hash, time } from './texts.js'

export const auditEraseIdentityRequest = z
  .strictObject({
    identity_id: z
      .string()
      .refine((text) => isUuid(text) && text !== NIL_UUID, 'expected a UUID of 36 characters')
      .meta({ format: 'uuid' }),
  })
  .meta({ id: 'AuditEraseIdentityRequest' })

export const auditEraseIdentityResponse = z
  .object({ subject_pseudonym: hash, erased_at: time })
  .meta({ id: 'AuditEraseIdentityResponse' })
