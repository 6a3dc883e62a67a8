import { AuditError } from '../../base/errors.js'
import { LIMITS, textProblem } from '../../chain/limits.js'
import type { Relation } from '../../ports/relations.js'

export const RELATIONS = ['owner', 'admin', 'auditor', 'member'] as const satisfies readonly Relation[]

const GROUP = /^[A-Za-z0-9_.|/-]{1,128}$/
const HOLDER = /^(?:user|service):(.+)$/s
/** SpiceDB reads this id as everybody. */
const EVERYBODY = '*'

/** Returns whether the text is `user:<id>` or `service:<id>`: a subject that can have a key or act by relations. */
function isHolder(text: string): boolean {
  const [, id = ''] = HOLDER.exec(text) ?? []
  if (id === '' || id === EVERYBODY || /[\p{Cc}\p{Z}]/u.test(id)) return false
  return textProblem(id, 1, LIMITS.objectIdBytes) === undefined
}

/** Returns a `user:` or `service:`. Throws `usage` without repeating the text, which may be a person's name. */
export function parseHolder(text: string): string {
  if (isHolder(text)) return text
  throw new AuditError('usage', 'expected user:ID or service:ID, of 1 to 512 bytes without spaces')
}

/** Returns a `user:`, a `service:` or `group:<id>#member`. Throws `usage`. */
export function parseSubject(text: string): string {
  const [, group] = /^group:(.*)#member$/s.exec(text) ?? []
  if (isHolder(text) || (group !== undefined && GROUP.test(group))) return text
  throw new AuditError('usage', 'expected user:ID, service:ID or group:NAME#member')
}

/** Returns the name of a group. Throws `usage`. */
export function parseGroup(text: string): string {
  if (GROUP.test(text)) return text
  throw new AuditError('usage', 'expected a name of 1 to 128 letters, digits and _ . | / -')
}
