import type { KeyJson } from '../../access/keys.js'
import type { Cell } from '../output/table.js'

export const KEY_HEAD = ['id', 'state', 'chain', 'subject', 'relation', 'marks', 'expires_at', 'last_used_at']

export function keyRow(key: KeyJson): Cell[] {
  const { id, state, domain_id, subject, relation, expires_at, last_used_at } = key
  return [id, state, domain_id, subject, relation, marksOf(key), expires_at, last_used_at]
}

export function keyFields(key: KeyJson): (readonly [string, Cell])[] {
  return [
    ['id', key.id],
    ['state', key.state],
    ['domain_id', key.domain_id],
    ['subject', key.subject],
    ['relation', key.relation],
    ['marks', marksOf(key) || undefined],
    ['created_at', key.created_at],
    ['expires_at', key.expires_at],
    ['revoked_at', key.revoked_at],
  ]
}

function marksOf({ read_only, owner_only }: KeyJson): string {
  return [read_only ? 'read-only' : '', owner_only ? 'owner-only' : ''].filter(Boolean).join(' ')
}
