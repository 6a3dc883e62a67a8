import { chainObject } from '../chain/self-audit.js'
import type { Remaining } from '../ports/erasure.js'
import type { ApiKeyStore } from '../ports/keys.js'
import type { RelationFilter, RelationStore, RelationTuple } from '../ports/relations.js'
import { streamKeys } from './keys.js'
import { streamTuples } from './relations.js'

/**
 * What keys and relations still say of a person on one chain, memberships of groups among it. `isMeant` is asked of each
 * subject, as it stands and without its `user:` or `service:`: only whoever has the pepper knows whose pseudonym it is.
 */
export async function accessRemaining(
  { keys, relations }: { readonly keys: ApiKeyStore; readonly relations: RelationStore },
  domainId: string,
  isMeant: (subjectId: string) => boolean,
): Promise<readonly Remaining[]> {
  const isOfPerson = (subject = '') => isMeant(subject) || isMeant(subject.slice(subject.indexOf(':') + 1))
  const remaining: Remaining[] = []
  for await (const { id, state, subject } of streamKeys(keys, { domainId, activeOnly: false })) {
    if (state !== 'revoked' && isOfPerson(subject)) remaining.push(one('api_key', `audit key revoke ${id}`))
  }
  for await (const tuple of tuplesAbout(relations, domainId)) {
    if (isOfPerson(tuple.subject)) remaining.push(one('relation_tuple', revocation(tuple)))
  }
  return remaining
}

const one = (kind: 'api_key' | 'relation_tuple', command: string): Remaining => ({ kind, count: 1, command })

/** Of the chain's object, and of groups, which are of no chain. */
async function* tuplesAbout(relations: RelationStore, domainId: string): AsyncGenerator<RelationTuple> {
  const filter: RelationFilter = { object: chainObject(domainId) }
  yield* streamTuples(relations, filter)
  for await (const tuple of streamTuples(relations, {}, GROUPS)) {
    if (!tuple.object.startsWith('group:')) return
    yield tuple
  }
}

/** Before every group, in the order of objects. */
const GROUPS: RelationTuple = { object: 'group:', relation: 'admin', subject: '' }

function revocation({ object, relation, subject }: RelationTuple): string {
  const [type = '', id = ''] = object.split(':', 2)
  const place = type === 'platform' ? '--platform' : `--${type} ${quoted(id)}`
  return `audit relation revoke ${place} --relation ${relation} --subject ${quoted(subject)}`
}

/** As a shell takes it for one word. Without a backslash: that of `'\''` is doubled where it is printed. */
function quoted(text: string): string {
  return /^[\w.:@/+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}
