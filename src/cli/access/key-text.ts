import type { ChangedKey, CreatedKey } from '../../access/keys.js'
import type { ChangedPolicy } from '../../access/policy.js'
import type { ApiKeyRecord } from '../../ports/keys.js'
import type { Output } from '../output/output.js'
import { type Cell, type Heading, keyValues } from '../output/table.js'
import { changedKeyJson, createdKeyJson, type KeyJson, keyJson, policyJson } from './key-json.js'

/** How `key list` prints its keys. */
export const KEY_LIST = {
  toJson: keyJson,
  head: [
    'id',
    'state',
    { title: 'chain', short: 'id' },
    { title: 'subject', drop: 4 },
    'relation',
    { title: 'marks', drop: 3 },
    { title: 'expires_at', short: 'time', drop: 2 },
    { title: 'last_used_at', short: 'time', drop: 1 },
  ] satisfies Heading[],
  toRow: (record: ApiKeyRecord): Cell[] => {
    const key = keyJson(record)
    const { id, state, domain_id, subject, relation, expires_at, last_used_at } = key
    return [id, state, domain_id, subject, relation, marksOf(key), expires_at, last_used_at]
  },
}

/** Prints a new key with its text, as JSON or as one field per line. */
export async function printCreatedKey(created: CreatedKey, json: boolean, out: Output): Promise<void> {
  const shown = createdKeyJson(created)
  if (json) await out.json(shown)
  else await out.line(keyValues([['key', shown.key], ...keyFields(shown)]))
}

/** Prints a key that was revoked, as JSON or as one field per line. */
export async function printKey(changed: ChangedKey, json: boolean, out: Output): Promise<void> {
  const shown = changedKeyJson(changed)
  if (json) await out.json(shown)
  else await out.line(keyValues(keyFields(shown)))
}

/** Prints the policy of a chain, as JSON or as one field per line. */
export async function printPolicy(policy: ChangedPolicy, json: boolean, out: Output): Promise<void> {
  const shown = policyJson(policy)
  if (json) await out.json(shown)
  else await out.line(keyValues(Object.entries(shown)))
}

function keyFields(key: KeyJson): (readonly [string, Cell])[] {
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
