import type { ApiKeyStore, RelationFilter, RelationStore, RelationTuple } from '../ports.js'
import { streamKeys } from './keys.js'
import { streamTuples } from './relations.js'
import { chainObject } from './subject.js'

/** Something of a person that an erasure does not end, and the command that does. */
export interface RemainingAccess {
  readonly kind: 'api_key' | 'relation_tuple'
  readonly count: number
  readonly command: string
}

/**
 * What keys and relations still say of a person on one chain, memberships of groups among it. `isMeant` is asked of bare
 * ids, without `user:` or `service:`: only whoever has the pepper can tell whether an id is the one of a pseudonym.
 */
export async function accessRemaining(
  { keys, relations }: { readonly keys: ApiKeyStore; readonly relations: RelationStore },
  domainId: string,
  isMeant: (subjectId: string) => boolean,
): Promise<readonly RemainingAccess[]> {
  const isOfPerson = (subject = '') => isMeant(subject.slice(subject.indexOf(':') + 1))
  const remaining: RemainingAccess[] = []
  for await (const { id, state, subject } of streamKeys(keys, { domainId, activeOnly: false })) {
    if (state !== 'revoked' && isOfPerson(subject)) remaining.push(one('api_key', `audit key revoke ${id}`))
  }
  for await (const tuple of tuplesAbout(relations, domainId)) {
    if (isOfPerson(tuple.subject)) remaining.push(one('relation_tuple', revocation(tuple)))
  }
  return remaining
}

const one = (kind: RemainingAccess['kind'], command: string): RemainingAccess => ({ kind, count: 1, command })

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
  const place = type === 'platform' ? '--platform' : `--${type} ${id}`
  return `audit relation revoke ${place} --relation ${relation} --subject ${quoted(subject)}`
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w.:@/+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
