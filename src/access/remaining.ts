import { chainObject } from '../chain/self-audit.js'
import type { Remaining } from '../ports/erasure.js'
import type { ApiKeyStore } from '../ports/keys.js'
import type { RelationFilter, RelationStore, RelationTuple } from '../ports/relations.js'
import { streamKeys } from './keys.js'
import { streamTuples } from './relations.js'

/**
 * Returns the keys and relation tuples of one chain, and the memberships of groups, that still name a person. Calls `isMeant`
 * with each subject as stored and without its type (`user:`, `service:`): only a caller with the pepper can match a
 * pseudonym.
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
  for await (const { object, relation, subject } of tuplesAbout(relations, domainId)) {
    if (isOfPerson(subject)) remaining.push({ kind: 'relation_tuple', tuple: { object, relation, subject } })
  }
  return remaining
}

/** Yields the tuples of the chain's object, and those of all groups, which belong to no chain. */
async function* tuplesAbout(relations: RelationStore, domainId: string): AsyncGenerator<RelationTuple> {
  const filter: RelationFilter = { object: chainObject(domainId) }
  yield* streamTuples(relations, filter)
  for await (const tuple of streamTuples(relations, {}, BEFORE_GROUPS)) {
    if (!tuple.object.startsWith('group:')) return
    yield tuple
  }
}

/** Sorts before the tuples of every group. */
const BEFORE_GROUPS: RelationTuple = { object: 'group:', relation: 'admin', subject: '' }
