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
    if (state !== 'revoked' && isOfPerson(subject)) remaining.push({ kind: 'api_key', id })
  }
  for await (const tuple of tuplesAbout(relations, domainId)) {
    if (isOfPerson(tuple.subject)) remaining.push({ kind: 'relation_tuple', tuple })
  }
  return remaining
}

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
